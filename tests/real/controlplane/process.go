package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// patience is how long a component may take to end after SIGTERM.
const patience = 15 * time.Second

// process is one component as a child of ours. It may be started, stopped and
// started again; its log grows over all its lives.
type process struct {
	name string // "kube-apiserver-a": also the name of its log
	log  string
	argv []string
	env  []string // on top of our own

	command *exec.Cmd
	ended   chan struct{} // closed when the current life is over
	wanted  chan struct{} // closed when we asked it to end
}

// failure is a component that did not do its part.
type failure struct {
	name, log string
	err       error
}

func (f *failure) Error() string {
	return fmt.Sprintf("%s failed: %v\nthe end of its log (%s):\n%s", f.name, f.err, f.log, tail(f.log, 20))
}

// forks runs every fork of ours on one OS thread that never ends: the kernel
// sends Pdeathsig when the forking thread goes away, not the process.
var forks = func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for fork := range work {
			fork()
		}
	}()
	return work
}()

// start begins a life. If it ends before stop or kill asks for it, fail hears why.
func (p *process) start(fail context.CancelCauseFunc) error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	fmt.Fprintf(log, "--- %s\n", strings.Join(p.argv, " "))
	command := exec.Command(p.argv[0], p.argv[1:]...)
	command.Env = append(os.Environ(), p.env...)
	command.Stdout, command.Stderr = log, log
	// A group of its own, so that Ctrl-C in a terminal reaches only us.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}

	forked := make(chan error)
	forks <- func() { forked <- command.Start() }
	if err := <-forked; err != nil {
		return &failure{p.name, p.log, err}
	}
	p.command, p.ended, p.wanted = command, make(chan struct{}), make(chan struct{})
	go func(ended, wanted chan struct{}) {
		err := command.Wait()
		select {
		case <-wanted:
		default:
			if err == nil {
				err = fmt.Errorf("ended by itself")
			}
			fail(&failure{p.name, p.log, err})
		}
		close(ended)
	}(p.ended, p.wanted)
	return nil
}

func (p *process) running() bool { return p.command != nil }

// end ends the current life with a signal; one that is not obeyed in time is
// followed by SIGKILL.
func (p *process) end(signal syscall.Signal) {
	if !p.running() {
		return
	}
	close(p.wanted)
	_ = p.command.Process.Signal(signal)
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.command.Process.Kill()
		<-p.ended
	}
	p.command = nil
}

// tail gives the last lines of a file, indented.
func tail(path string, lines int) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return "  " + err.Error()
	}
	all := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return "  " + strings.Join(all, "\n  ")
}

// ourselves is the path of this program and of a file beside it.
func ourselves() (self string, beside func(string) string, err error) {
	self, err = os.Executable()
	return self, func(name string) string { return filepath.Join(filepath.Dir(self), name) }, err
}
