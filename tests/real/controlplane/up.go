package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/client-go/tools/clientcmd/api"
)

const (
	startTimeout = 120 * time.Second // a loaded machine with two cores needs some
	viewerSuffix = "-viewer"
)

// errAsked is the good reason to stop.
var errAsked = errors.New("stopped")

// options are the flags of `up`.
type options struct {
	dir                        string
	clusters                   []string
	seconds                    map[string]string // servers of a cluster that another serves too
	kwok, controllers          bool
	load, watchCache           bool
	withoutServiceAccountCheck bool
	compaction                 time.Duration
	extra                      []string
}

var clusterName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

func parseOptions() (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	flags.StringVar(&o.dir, "dir", "", "where kubeconfigs, logs and (while it runs) data go")
	clusters := flags.String("clusters", "a", "names of the clusters, separated by commas")
	seconds := flags.String("second-servers", "", "more API servers of the same clusters, as name=cluster, separated by commas")
	flags.BoolVar(&o.kwok, "kwok", true, "run kwok, which makes nodes and pods Ready")
	flags.BoolVar(&o.controllers, "controllers", true, "run controller-manager and scheduler")
	flags.BoolVar(&o.load, "load", false, "for load tests: no limit of requests in flight, no priority and fairness")
	flags.BoolVar(&o.watchCache, "watch-cache", true, "serve lists and watches from the API server's cache")
	flags.BoolVar(&o.withoutServiceAccountCheck, "disable-serviceaccount-admission", false,
		"let pods name service accounts that do not exist (there are none without controllers)")
	flags.DurationVar(&o.compaction, "compaction-interval", 0, "how often etcd forgets old versions; 0 = never")
	flags.Func("apiserver-arg", "one more flag for every API server, such as --feature-gates=WatchList=false; may be repeated",
		func(arg string) error { o.extra = append(o.extra, arg); return nil })
	_ = flags.Parse(os.Args[1:])

	if flags.NArg() > 0 || o.dir == "" {
		return nil, fmt.Errorf("usage: controlplane up --dir D --clusters a,b (see --help); not understood: %q", flags.Args())
	}
	var err error
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return nil, err
	}
	contexts := map[string]bool{}
	for _, name := range strings.Split(*clusters, ",") {
		if !clusterName.MatchString(name) {
			return nil, fmt.Errorf("%q is no name for a cluster: small letters, digits and dashes", name)
		}
		if contexts[name] || contexts[name+viewerSuffix] {
			return nil, fmt.Errorf("two clusters would share the context %q", name)
		}
		contexts[name], contexts[name+viewerSuffix] = true, true
		o.clusters = append(o.clusters, name)
	}
	o.seconds = map[string]string{}
	for _, second := range strings.FieldsFunc(*seconds, func(r rune) bool { return r == ',' }) {
		name, of, _ := strings.Cut(second, "=")
		if !slices.Contains(o.clusters, of) || contexts[name] || contexts[name+viewerSuffix] || !clusterName.MatchString(name) {
			return nil, fmt.Errorf("%q is no second server: write name=cluster, with a name of its own and a cluster of --clusters", second)
		}
		contexts[name], contexts[name+viewerSuffix] = true, true
		o.seconds[name] = of
		o.clusters = append(o.clusters, name)
	}
	return o, nil
}

// serverFlags are the flags of API servers that depend on ours.
func (o *options) serverFlags() (flags []string) {
	if o.load {
		flags = append(flags, "--max-requests-inflight=0", "--max-mutating-requests-inflight=0", "--enable-priority-and-fairness=false")
	}
	if o.withoutServiceAccountCheck {
		flags = append(flags, "--disable-admission-plugins=ServiceAccount")
	}
	return append(flags, o.extra...)
}

func (o *options) logs() string { return filepath.Join(o.dir, "logs") }

func (o *options) process(name string, argv []string) process {
	return process{name: name, log: filepath.Join(o.logs(), name+".log"), argv: argv}
}

// plane is everything that runs.
type plane struct {
	options  *options
	state    string // directory that goes when we go
	etcd     process
	health   string // where etcd says that it is well
	clusters []*cluster
	fail     context.CancelCauseFunc // ends everything, with the reason
}

func runUp() int {
	o, err := parseOptions()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, fail := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	go func() { fail(fmt.Errorf("%w: %v", errAsked, <-signals)) }()
	lines := make(chan string)
	go func() {
		for input := bufio.NewScanner(os.Stdin); input.Scan(); {
			lines <- input.Text()
		}
		fail(fmt.Errorf("%w: standard input ended", errAsked)) // who started us is gone
	}()

	p := &plane{options: o, fail: fail}
	defer p.remove()
	defer p.killAll()
	if err = p.start(ctx); err == nil {
		err = p.obey(ctx, lines)
	}
	fmt.Fprintln(os.Stderr, err)
	if errors.Is(err, errAsked) {
		return 0
	}
	return 1
}

// start brings up etcd and then all clusters side by side.
func (p *plane) start(ctx context.Context) error {
	if err := p.startEtcd(ctx); err != nil {
		return err
	}
	var wait sync.WaitGroup
	for _, c := range p.clusters {
		wait.Go(func() {
			if err := c.start(ctx, p.fail); err != nil {
				p.fail(err)
				return
			}
			fmt.Printf("ready %s %s %s\n", c.name, c.url(), c.kubeconfig)
		})
	}
	wait.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	err := writeKubeconfig(p.merged(), func(config *api.Config) {
		for _, c := range p.clusters {
			c.addTo(config, true)
		}
	})
	if err == nil {
		fmt.Println("up")
	}
	return err
}

// startEtcd lays everything out and starts what all clusters share.
func (p *plane) startEtcd(ctx context.Context) error {
	o := p.options
	if err := os.MkdirAll(o.logs(), 0o755); err != nil {
		return err
	}
	var err error
	if p.state, err = os.MkdirTemp(o.dir, "state-"); err != nil {
		return err
	}
	self, _, err := ourselves()
	if err != nil {
		return err
	}
	client, err := reserveAddress()
	if err != nil {
		return err
	}
	peer, err := reserveAddress()
	if err != nil {
		return err
	}
	for _, name := range o.clusters {
		c, err := newCluster(name, o, client, p.state)
		if err != nil {
			return err
		}
		p.clusters = append(p.clusters, c)
	}
	p.etcd = o.process("etcd", []string{self, "etcd",
		"--data-dir=" + p.data(), "--client-address=" + client, "--peer-address=" + peer})
	p.health = "http://" + client + "/health"
	return p.runEtcd(ctx)
}

// runEtcd starts etcd (again) and waits until it is there.
func (p *plane) runEtcd(ctx context.Context) error {
	if err := p.etcd.start(p.fail); err != nil {
		return err
	}
	return p.etcd.awaitHealth(ctx, p.health)
}

func (p *plane) data() string { return filepath.Join(p.state, "etcd") }

func (p *plane) backup() string { return filepath.Join(p.state, "backup") }

// awaitHealth waits until the process answers 200.
func (p *process) awaitHealth(ctx context.Context, url string) error {
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); {
		if answer, err := http.Get(url); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return &failure{p.name, p.log, fmt.Errorf("%s not there after %s", url, startTimeout)}
}

func (p *plane) merged() string { return filepath.Join(p.options.dir, "kubeconfig") }

// killAll ends every child. Nothing of theirs is worth a farewell.
func (p *plane) killAll() {
	for _, c := range p.clusters {
		for _, worker := range c.workers() {
			worker.end(syscall.SIGKILL)
		}
		c.server.end(syscall.SIGKILL)
	}
	p.etcd.end(syscall.SIGKILL)
}

// remove deletes what start made, except the logs.
func (p *plane) remove() {
	for _, c := range p.clusters {
		os.Remove(c.kubeconfig)
	}
	os.Remove(p.merged())
	if p.state != "" {
		os.RemoveAll(p.state)
	}
}
