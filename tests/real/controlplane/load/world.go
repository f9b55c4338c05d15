package load

import (
	"fmt"
	"hash/fnv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// world is the plan: which objects there will be and how they hang together.
// Everything in it follows from the three numbers, so two runs are alike.
type world struct {
	pods, nodes, namespaces int
	apps                    []*app
	env                     int // environment variables per pod: what makes it as large as asked

	podUIDs []types.UID // filled in as the pods are made
}

// app is one application with one object of each kind, and its share of the pods.
type app struct {
	index           int
	name, namespace string
	replicas        int
	replicaSet      string
	hash            string // pod-template-hash

	replicaSetUID types.UID
}

func newWorld(pods, nodes, apps int) *world {
	w := &world{pods: pods, nodes: nodes, namespaces: min(max(apps/10, 1), 50), podUIDs: make([]types.UID, pods)}
	for i := range apps {
		name := fmt.Sprintf("app-%05d", i)
		hash := letters("template of "+name, 10)
		a := &app{index: i, name: name, namespace: w.namespaceName(i % w.namespaces), replicas: pods / apps, hash: hash, replicaSet: name + "-" + hash}
		if i < pods%apps {
			a.replicas++
		}
		w.apps = append(w.apps, a)
	}
	return w
}

func (w *world) namespaceName(i int) string { return fmt.Sprintf("team-%02d", i) }
func (w *world) nodeName(i int) string      { return fmt.Sprintf("node-%05d", i) }

// Pod i is one of app i mod apps, so an app's pods are index, index+apps, ...
func (w *world) appOf(pod int) *app { return w.apps[pod%len(w.apps)] }

func (w *world) podsOf(a *app) (pods []int) {
	for i := a.index; i < w.pods; i += len(w.apps) {
		pods = append(pods, i)
	}
	return pods
}

func (w *world) podName(i int) string {
	const all = 27 * 27 * 27 * 27 * 27 // 7919 has no factor in common, so no two pods share a suffix
	return w.appOf(i).replicaSet + "-" + spell(uint64(i)*7919%all, 5)
}

// nodeOf spreads an app's pods over the nodes, and so over the zones.
func (w *world) nodeOf(pod int) int { return (pod%len(w.apps) + pod/len(w.apps)*7) % w.nodes }

func podIP(i int) string       { i += 2; return fmt.Sprintf("10.%d.%d.%d", 128+i>>16, i>>8&255, i&255) }
func nodeIP(i int) string      { i += 2; return fmt.Sprintf("10.%d.%d.%d", 64+i>>16, i>>8&255, i&255) }
func zoneOf(node int) string   { return fmt.Sprintf("eu-%d%c", node%2+1, 'a'+node/2%3) }
func regionOf(node int) string { return fmt.Sprintf("eu-%d", node%2+1) }

// labels are those of the app's objects; its pods carry them with the template's hash.
func (a *app) labels() map[string]string {
	return map[string]string{
		"app.kubernetes.io/name":       a.name,
		"app.kubernetes.io/instance":   a.name,
		"app.kubernetes.io/part-of":    a.namespace,
		"app.kubernetes.io/managed-by": "Helm",
	}
}

func (a *app) selector() map[string]string {
	return map[string]string{"app.kubernetes.io/name": a.name, "app.kubernetes.io/instance": a.name}
}

func (a *app) podLabels() map[string]string {
	labels := a.labels()
	labels["pod-template-hash"] = a.hash
	return labels
}

func (a *app) image() string {
	return fmt.Sprintf("registry.planisphere.test/%s/%s:1.%d.%d", a.namespace, a.name, a.index%20, a.index%7)
}

// podReference is how an endpoint names its pod.
func (w *world) podReference(i int) *corev1.ObjectReference {
	return &corev1.ObjectReference{Kind: "Pod", Namespace: w.appOf(i).namespace, Name: w.podName(i), UID: w.podUIDs[i]}
}

// letters makes a suffix like those of the controllers, always the same for the same seed.
func letters(seed string, length int) string {
	hash := fnv.New64a()
	hash.Write([]byte(seed))
	return spell(hash.Sum64(), length)
}

// spell writes a number in the alphabet of Kubernetes' generated names.
func spell(number uint64, length int) string {
	const alphabet = "bcdfghjklmnpqrstvwxz2456789"
	out := make([]byte, length)
	for i := range out {
		out[i] = alphabet[number%uint64(len(alphabet))]
		number /= uint64(len(alphabet))
	}
	return string(out)
}
