// controlplane is a real Kubernetes control plane in one program, for tests.
//
// The first argument says what to be: one component, kubectl, `up`, which
// starts the components as its children, or `load`, which fills a cluster. They are separate processes because
// each of their constructors takes over the signal handler of its process, and
// the second one to do so panics.
package main

import (
	"fmt"
	"os"
	"sort"
	"strings"
	_ "time/tzdata" // CronJobs name time zones

	"github.com/spf13/cobra"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // kubectl
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client metrics of the components
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	"planisphere.test/real/controlplane/load"
)

// parts maps the first argument to what runs; each returns the exit code.
var parts = map[string]func() int{
	"etcd":                    runEtcd,
	"kube-apiserver":          func() int { return cli.Run(apiserver.NewAPIServerCommand()) },
	"kube-controller-manager": func() int { return cli.Run(controllermanager.NewControllerManagerCommand()) },
	"kube-scheduler":          func() int { return cli.Run(scheduler.NewSchedulerCommand()) },
	"kubectl":                 func() int { return runKubectl(kubectl.NewDefaultKubectlCommand) },
	"up":                      runUp,
	"load":                    func() int { return load.Run(os.Args[1:]) },
}

func main() {
	var run func() int
	if len(os.Args) > 1 {
		run = parts[os.Args[1]]
	}
	if run == nil {
		names := make([]string, 0, len(parts))
		for name := range parts {
			names = append(names, name)
		}
		sort.Strings(names)
		fmt.Fprintf(os.Stderr, "usage: controlplane (%s) [flags]\n", strings.Join(names, " | "))
		os.Exit(2)
	}
	// Each part reads os.Args as if it were a program of its own.
	os.Args = os.Args[1:]
	os.Exit(run())
}

func runKubectl(command func() *cobra.Command) int {
	if err := cli.RunNoErrOutput(command()); err != nil {
		util.CheckErr(err) // prints and exits
	}
	return 0
}
