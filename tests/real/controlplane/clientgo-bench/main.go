// clientgo-bench is what others need to hold a cluster in memory: client-go's
// shared informers, nothing else. It prints how long they took to be complete
// and what they weigh, as the reference for our own figures.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// resources by their plural name. Secrets are watched as metadata only.
var resources = map[string]schema.GroupVersion{
	"configmaps":             {Version: "v1"},
	"namespaces":             {Version: "v1"},
	"nodes":                  {Version: "v1"},
	"persistentvolumeclaims": {Version: "v1"},
	"persistentvolumes":      {Version: "v1"},
	"pods":                   {Version: "v1"},
	"secrets":                {Version: "v1"},
	"serviceaccounts":        {Version: "v1"},
	"services":               {Version: "v1"},
	"daemonsets":             {Group: "apps", Version: "v1"},
	"deployments":            {Group: "apps", Version: "v1"},
	"replicasets":            {Group: "apps", Version: "v1"},
	"statefulsets":           {Group: "apps", Version: "v1"},
	"cronjobs":               {Group: "batch", Version: "v1"},
	"jobs":                   {Group: "batch", Version: "v1"},
	"endpointslices":         {Group: "discovery.k8s.io", Version: "v1"},
	"ingresses":              {Group: "networking.k8s.io", Version: "v1"},
}

type result struct {
	Seconds   float64 `json:"seconds"`
	Objects   int     `json:"objects"`
	RSSMB     float64 `json:"rss_mb"`
	PeakRSSMB float64 `json:"peak_rss_mb"`
}

func main() {
	all := make([]string, 0, len(resources))
	for name := range resources {
		all = append(all, name)
	}
	sort.Strings(all)
	kubeconfig := flag.String("kubeconfig", "", "path of the kubeconfig")
	contextName := flag.String("context", "", "context in it (default: its current one)")
	chosen := flag.String("resources", strings.Join(all, ","), "what to watch")
	asJSON := flag.Bool("json", false, "ask for JSON instead of protobuf")
	timeout := flag.Duration("timeout", 5*time.Minute, "give up after")
	flag.Parse()

	result, err := measure(*kubeconfig, *contextName, strings.Split(*chosen, ","), *asJSON, *timeout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "clientgo-bench:", err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(result)
}

func measure(kubeconfig, contextName string, chosen []string, asJSON bool, timeout time.Duration) (*result, error) {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: kubeconfig},
		&clientcmd.ConfigOverrides{CurrentContext: contextName}).ClientConfig()
	if err != nil {
		return nil, err
	}
	config.QPS = -1 // its rate limit would be all that we measure
	config.UserAgent = "clientgo-bench"
	if asJSON {
		config.ContentType = "application/json"
	} else {
		config.ContentType = "application/vnd.kubernetes.protobuf"
		config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()

	start := time.Now()
	running, err := startInformers(ctx, config, chosen)
	if err != nil {
		return nil, err
	}
	objects := 0
	for name, informer := range running {
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			return nil, fmt.Errorf("%s not complete after %s", name, timeout)
		}
	}
	seconds := time.Since(start).Seconds()

	debug.FreeOSMemory() // collects garbage, and does not count what is free
	resident, peak, err := memory()
	for _, informer := range running {
		objects += len(informer.GetStore().ListKeys())
	}
	return &result{Seconds: seconds, Objects: objects, RSSMB: resident, PeakRSSMB: peak}, err
}

// startInformers starts one informer for each resource.
func startInformers(ctx context.Context, config *rest.Config, chosen []string) (map[string]cache.SharedIndexInformer, error) {
	typed, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	bare, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	whole := informers.NewSharedInformerFactory(typed, 0)
	metadataOnly := metadatainformer.NewSharedInformerFactory(bare, 0)
	running := map[string]cache.SharedIndexInformer{}
	for _, name := range chosen {
		version, known := resources[name]
		if !known {
			return nil, fmt.Errorf("no such resource here: %q", name)
		}
		if name == "secrets" {
			running[name] = metadataOnly.ForResource(version.WithResource(name)).Informer()
			continue
		}
		informer, err := whole.ForResource(version.WithResource(name))
		if err != nil {
			return nil, err
		}
		running[name] = informer.Informer()
	}
	whole.Start(ctx.Done())
	metadataOnly.Start(ctx.Done())
	return running, nil
}

// memory is what the kernel says we occupy, now and at most, in MB (10^6).
func memory() (resident, peak float64, err error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(status)) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		kilobytes, _ := strconv.ParseFloat(words[1], 64)
		switch words[0] {
		case "VmRSS:":
			resident = kilobytes * 1024 / 1e6
		case "VmHWM:":
			peak = kilobytes * 1024 / 1e6
		}
	}
	return resident, peak, nil
}
