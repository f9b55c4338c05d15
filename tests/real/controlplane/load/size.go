package load

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// podSize is what a pod weighs in JSON.
type podSize struct{ whole, managed int }

// calibrate finds how many environment variables make a pod as large as asked.
// Each adds about as much to the pod as to its managedFields, which is the
// share that real pods have. Two probes tell what one variable weighs.
func (l *loader) calibrate(ctx context.Context, want int) error {
	const many = 40
	none, err := l.probePod(ctx, 0)
	if err != nil {
		return err
	}
	full, err := l.probePod(ctx, many)
	if err != nil {
		return err
	}
	each := float64(full.whole-none.whole) / many
	l.world.env = max(int(float64(want-none.whole)/each+0.5), 0)
	fmt.Fprintf(os.Stderr, "load: a pod has %d bytes and each variable adds %.1f, so each gets %d\n", none.whole, each, l.world.env)
	return nil
}

// probePod makes a pod, measures it and takes it away again.
func (l *loader) probePod(ctx context.Context, env int) (podSize, error) {
	a := l.world.apps[0]
	name := a.replicaSet + "-probe"
	if _, err := l.livingPod(ctx, 0, name, env); err != nil {
		return podSize{}, err
	}
	size, err := l.measure(ctx, a.namespace, name)
	if err != nil {
		return size, err
	}
	return size, l.client.CoreV1().Pods(a.namespace).Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)})
}

// measure reads one pod in JSON.
func (l *loader) measure(ctx context.Context, namespace, name string) (podSize, error) {
	body, err := l.raw.Get().Namespace(namespace).Resource("pods").Name(name).SetHeader("Accept", "application/json").Do(ctx).Raw()
	if err != nil {
		return podSize{}, err
	}
	var pod struct {
		Metadata struct {
			ManagedFields json.RawMessage `json:"managedFields"`
		} `json:"metadata"`
	}
	err = json.Unmarshal(body, &pod)
	return podSize{len(body), len(pod.Metadata.ManagedFields)}, err
}
