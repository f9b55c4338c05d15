package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// reservePort lets the system choose a loopback port and keeps it for as long
// as this process lives: for a child that binds it later, and again after each
// restart of that child.
//
// The socket is bound but never listens. With SO_REUSEADDR on both sides (Go
// sets it on every listener) a child may listen on the port beside it, while
// the system hands it to nobody who asks for "any port", neither to a listener
// nor to an outgoing connection. So no child can fail to bind, and none has to
// be tried twice.
func reservePort() (int, error) {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("reserve a port: %w", err)
	}
	if err := unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return 0, fmt.Errorf("reserve a port: %w", err)
	}
	if err := unix.Bind(socket, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, fmt.Errorf("reserve a port: %w", err)
	}
	name, err := unix.Getsockname(socket)
	if err != nil {
		return 0, fmt.Errorf("reserve a port: %w", err)
	}
	return name.(*unix.SockaddrInet4).Port, nil
}

// reserveAddress is reservePort as host:port.
func reserveAddress() (string, error) {
	port, err := reservePort()
	return fmt.Sprintf("127.0.0.1:%d", port), err
}
