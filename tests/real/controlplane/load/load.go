// Package load fills a cluster with many objects that agree with each other:
// apps, each with its Deployment, ReplicaSet, Pods, Service, EndpointSlices,
// ConfigMap, Secret, ServiceAccount and volume. It plays all the controllers
// itself, so that nothing else has to run and nothing moves afterwards.
package load

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// The field managers whose names a real cluster shows for the same writes.
const (
	byController = "kube-controller-manager"
	byKubelet    = "kubelet"
	byDeployer   = "helm"
)

// loader holds what all steps need.
type loader struct {
	world   *world
	client  kubernetes.Interface
	raw     rest.Interface // asks for JSON, to see sizes
	workers int
	objects atomic.Int64
}

// Run is the subcommand; it returns the exit code.
func Run(args []string) int {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "path of the kubeconfig")
	contextName := flags.String("context", "", "context in it (default: its current one)")
	pods := flags.Int("pods", 10000, "how many pods")
	nodes := flags.Int("nodes", 100, "how many nodes")
	others := flags.Int("others", 500, "how many apps: so many of each other kind")
	podBytes := flags.Int("pod-bytes", 12600, "how large a pod is in JSON, about half of it managedFields")
	workers := flags.Int("workers", 64, "how many requests at the same time")
	_ = flags.Parse(args)
	if *pods < 0 || *nodes < 1 || *others < 1 || *workers < 1 || flags.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "usage: controlplane load --kubeconfig F --context C; at least 1 node, 1 app and 1 worker")
		return 2
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: *kubeconfig},
		&clientcmd.ConfigOverrides{CurrentContext: *contextName}).ClientConfig()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		return 1
	}
	l, err := newLoader(config, newWorld(*pods, *nodes, *others), *workers)
	if err == nil {
		err = l.run(*podBytes)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		return 1
	}
	return 0
}

func newLoader(config *rest.Config, w *world, workers int) (*loader, error) {
	config.QPS = -1
	config.UserAgent = "planisphere-load"
	inJSON, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = config.ContentType
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &loader{world: w, client: client, raw: inJSON.CoreV1().RESTClient(), workers: workers}, nil
}

// run does all steps in the order in which the objects need each other.
func (l *loader) run(podBytes int) error {
	ctx := context.Background()
	start := time.Now()
	w := l.world
	if err := l.storageClass(ctx); err != nil {
		return err
	}
	steps := []struct {
		what  string
		count int
		each  func(context.Context, int) error
	}{
		{"namespaces", w.namespaces, l.namespace},
		{"nodes", w.nodes, l.node},
		{"apps without their pods", len(w.apps), l.app},
		{"pods", w.pods, l.pod},
		{"services with their endpoints", len(w.apps), l.service},
	}
	var size podSize
	for _, step := range steps {
		if step.what == "pods" && w.pods > 0 {
			if err := l.calibrate(ctx, podBytes); err != nil {
				return fmt.Errorf("find the size of a pod: %w", err)
			}
		}
		if err := l.parallel(ctx, step.what, step.count, step.each); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	if w.pods > 0 {
		var err error
		if size, err = l.measure(ctx, w.apps[0].namespace, w.podName(0)); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"seconds": time.Since(start).Seconds(), "objects": l.objects.Load(),
		"pod_bytes": size.whole, "managed_fields_bytes": size.managed,
	})
}

// parallel does one step for 0..count with all workers, until the first error.
func (l *loader) parallel(ctx context.Context, what string, count int, each func(context.Context, int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	start := time.Now()
	var next, done atomic.Int64
	var wait sync.WaitGroup
	for range min(l.workers, count) {
		wait.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1) - 1)
				if i >= count {
					return
				}
				if err := each(ctx, i); err != nil {
					cancel(fmt.Errorf("number %d: %w", i, err))
					return
				}
				done.Add(1)
			}
		})
	}
	finished := make(chan struct{})
	go func() { wait.Wait(); close(finished) }()
	report := func() {
		fmt.Fprintf(os.Stderr, "load: %d of %d %s after %.1f s\n", done.Load(), count, what, time.Since(start).Seconds())
	}
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			report()
		case <-finished:
			report()
			return context.Cause(ctx)
		}
	}
}
