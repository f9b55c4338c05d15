package main

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// runEtcd is one etcd member alone, tuned for data that nobody will miss.
func runEtcd() int {
	flags := flag.NewFlagSet("etcd", flag.ExitOnError)
	dir := flags.String("data-dir", "", "where to keep the data")
	client := flags.String("client-address", "", "host:port for clients")
	peer := flags.String("peer-address", "", "host:port for peers (there are none)")
	_ = flags.Parse(os.Args[1:])

	config := embed.NewConfig()
	config.Dir = *dir
	clientURL, peerURL := url.URL{Scheme: "http", Host: *client}, url.URL{Scheme: "http", Host: *peer}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{clientURL}, []url.URL{clientURL}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peerURL}, []url.URL{peerURL}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.LogLevel = "warn"
	config.LogOutputs = []string{embed.StdErrLogOutput}
	// NewConfig leaves it at zero, which would log every request as a slow one.
	config.WarningUnaryRequestDuration = embed.DefaultWarningUnaryRequestDuration
	config.UnsafeNoFsync = true
	config.QuotaBackendBytes = 8 << 30
	// The API server's bookmarks come from etcd's progress notifications.
	config.WatchProgressNotifyInterval = 5 * time.Second

	server, err := embed.StartEtcd(config)
	if err != nil {
		fmt.Fprintln(os.Stderr, "etcd:", err)
		return 1
	}
	// No signal handler: SIGTERM ends the process as it is.
	fmt.Fprintln(os.Stderr, "etcd:", <-server.Err())
	return 1
}
