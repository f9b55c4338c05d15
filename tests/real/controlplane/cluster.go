package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/client-go/tools/clientcmd/api"
)

// cluster is one API server with what works on it.
type cluster struct {
	name       string
	port       int
	dir        string // its keys and certificates
	kubeconfig string
	authority  []byte // CA certificate, once the server has written it

	server      process
	controllers []*process // controller-manager and scheduler, or none
	kwok        []*process // one, or none
}

func (c *cluster) url() string { return fmt.Sprintf("https://127.0.0.1:%d", c.port) }

// newCluster decides everything about a cluster and writes its keys; nothing runs yet.
func newCluster(name string, o *options, etcd, state string) (*cluster, error) {
	self, beside, err := ourselves()
	if err != nil {
		return nil, err
	}
	port, err := reservePort()
	if err != nil {
		return nil, err
	}
	c := &cluster{name: name, port: port, dir: filepath.Join(state, name), kubeconfig: filepath.Join(o.dir, name+".kubeconfig")}
	if err := os.Mkdir(c.dir, 0o700); err != nil {
		return nil, err
	}
	if err := writeKey(c.file("service-account.key")); err != nil {
		return nil, err
	}
	for file, content := range map[string]string{"tokens.csv": tokens, "stages.yaml": stages()} {
		if err := os.WriteFile(c.file(file), []byte(content), 0o600); err != nil {
			return nil, err
		}
	}

	// Two servers of one cluster share what is stored, and so everything that they answer.
	of, second := o.seconds[name]
	if !second {
		of = name
	}
	c.server = o.process("kube-apiserver-"+name, append([]string{self, "kube-apiserver",
		"--etcd-servers=http://" + etcd,
		"--etcd-prefix=/" + of,
		"--etcd-compaction-interval=" + o.compaction.String(),
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", port),
		"--endpoint-reconciler-type=none",
		"--cert-dir=" + c.file("certificates"),
		"--token-auth-file=" + c.file("tokens.csv"),
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://" + name + ".planisphere.test",
		"--service-account-key-file=" + c.file("service-account.key"),
		"--service-account-signing-key-file=" + c.file("service-account.key"),
		"--service-cluster-ip-range=10.96.0.0/16",
		"--allow-privileged=true",
		// Without it, a server told to stop waits a minute for clients to end their watches.
		"--shutdown-watch-termination-grace-period=3s",
		fmt.Sprintf("--watch-cache=%t", o.watchCache),
	}, o.serverFlags()...))

	if o.controllers && !second {
		calm := []string{"--kubeconfig=" + c.kubeconfig, "--leader-elect=false", "--secure-port=0", "--kube-api-qps=1000", "--kube-api-burst=2000"}
		manager := o.process("kube-controller-manager-"+name, append([]string{self, "kube-controller-manager",
			"--service-account-private-key-file=" + c.file("service-account.key"),
			"--root-ca-file=" + c.file("ca.crt"),
		}, calm...))
		scheduler := o.process("kube-scheduler-"+name, append([]string{self, "kube-scheduler"}, calm...))
		c.controllers = []*process{&manager, &scheduler}
	}
	if o.kwok && !second {
		address, err := reserveAddress()
		if err != nil {
			return nil, err
		}
		kwok := o.process("kwok-"+name, []string{beside("kwok"),
			"--kubeconfig=" + c.kubeconfig,
			"--manage-all-nodes=true",
			"--config=" + c.file("stages.yaml"),
			"--node-lease-duration-seconds=40",
			"--cidr=10.244.0.1/16",
			"--server-address=" + address,
		})
		// Without it, kwok would read a configuration in the reader's home.
		kwok.env = []string{"KWOK_WORKDIR=" + c.dir}
		c.kwok = []*process{&kwok}
	}
	return c, nil
}

func (c *cluster) workers() []*process { return slices.Concat(c.controllers, c.kwok) }

func (c *cluster) file(name string) string { return filepath.Join(c.dir, name) }

// start brings everything up and returns when it can be used.
func (c *cluster) start(ctx context.Context, fail context.CancelCauseFunc) error {
	if err := c.startServer(ctx, fail); err != nil {
		return err
	}
	if err := os.WriteFile(c.file("ca.crt"), c.authority, 0o600); err != nil {
		return err
	}
	if err := writeKubeconfig(c.kubeconfig, func(config *api.Config) { c.addTo(config, false) }); err != nil {
		return err
	}
	for _, worker := range c.workers() {
		if err := worker.start(fail); err != nil {
			return err
		}
	}
	if len(c.controllers) > 0 { // without this account the API server refuses pods
		return c.await(ctx, c.controllers[0], "/api/v1/namespaces/default/serviceaccounts/default")
	}
	return nil
}

// startServer starts the API server (again) and waits until it is ready.
func (c *cluster) startServer(ctx context.Context, fail context.CancelCauseFunc) error {
	if err := c.server.start(fail); err != nil {
		return err
	}
	return c.await(ctx, &c.server, "/readyz")
}

// await asks the API server for a path until the answer is 200. If that takes
// too long, it is the given process that has failed.
func (c *cluster) await(ctx context.Context, responsible *process, path string) error {
	last := fmt.Errorf("no answer")
	deadline := time.Now().Add(startTimeout)
	for time.Now().Before(deadline) {
		if last = c.get(ctx, path); last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return &failure{responsible.name, responsible.log, fmt.Errorf("%s%s not there after %s: %w", c.url(), path, startTimeout, last)}
}

// get asks once. Every request has a connection of its own: the server may
// have been restarted since the last one.
func (c *cluster) get(ctx context.Context, path string) (err error) {
	if c.authority, err = authorities(c.file("certificates/apiserver.crt")); err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.authority)
	client := http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url()+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+adminToken)
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", answer.Status)
	}
	return nil
}
