package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// obey carries out the lines of standard input, one at a time, until
// something ends us. Each is answered with one line.
func (p *plane) obey(ctx context.Context, lines <-chan string) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case line := <-lines:
			line = strings.TrimSpace(line)
			if line == "" {
				continue
			}
			refusal, err := p.carryOut(ctx, line)
			switch {
			case err != nil:
				return err
			case refusal != "":
				fmt.Printf("error %s: %s\n", line, refusal)
			default:
				fmt.Printf("ok %s\n", line)
			}
		}
	}
}

// carryOut does what one line says, or says why it does not. An error is the end of us.
func (p *plane) carryOut(ctx context.Context, line string) (refusal string, err error) {
	words := strings.Fields(line)
	if len(words) != 2 {
		return "not of the form <command> <cluster>", nil
	}
	var c *cluster
	for _, candidate := range p.clusters {
		if candidate.name == words[1] {
			c = candidate
		}
	}
	if c == nil {
		return "no such cluster", nil
	}
	switch words[0] {
	case "stop-apiserver":
		if !c.server.running() {
			return "it does not run", nil
		}
		c.server.end(syscall.SIGTERM)
	case "kill-apiserver":
		if !c.server.running() {
			return "it does not run", nil
		}
		c.server.end(syscall.SIGKILL)
	case "start-apiserver":
		if c.server.running() {
			return "it runs already", nil
		}
		return "", c.startServer(ctx, p.fail)
	case "restart-apiserver":
		c.server.end(syscall.SIGTERM)
		return "", c.startServer(ctx, p.fail)
	case "restart-controllers":
		// After a pause of the server they come back by themselves, but their
		// back-off lets that take up to a minute. kwok is left alone: a new
		// one would have to wait for the old one's node leases to run out.
		for _, controller := range c.controllers {
			controller.end(syscall.SIGKILL)
			if err := controller.start(p.fail); err != nil {
				return "", err
			}
		}
	case "backup-etcd":
		return "", p.backUp(ctx)
	case "restore-etcd":
		return "", p.restore(ctx)
	default:
		return "no such command", nil
	}
	return "", nil
}

// backUp keeps all data as they are now; API servers lose etcd for a moment.
func (p *plane) backUp(ctx context.Context) error {
	p.etcd.end(syscall.SIGTERM)
	if err := os.RemoveAll(p.backup()); err != nil {
		return err
	}
	if err := os.CopyFS(p.backup(), os.DirFS(p.data())); err != nil {
		return err
	}
	return p.runEtcd(ctx)
}

// restore goes back to the data that backUp kept, as after a disaster: the API servers are started anew.
func (p *plane) restore(ctx context.Context) error {
	for _, c := range p.clusters {
		c.server.end(syscall.SIGKILL)
	}
	p.etcd.end(syscall.SIGKILL)
	if err := os.RemoveAll(p.data()); err != nil {
		return err
	}
	if err := os.CopyFS(p.data(), os.DirFS(p.backup())); err != nil {
		return err
	}
	// etcd wants nobody else to read its files.
	if err := os.Chmod(p.data(), 0o700); err != nil {
		return err
	}
	if err := p.runEtcd(ctx); err != nil {
		return err
	}
	for _, c := range p.clusters {
		if err := c.startServer(ctx, p.fail); err != nil {
			return err
		}
	}
	return nil
}
