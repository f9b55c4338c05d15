package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	node "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	heartbeat "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
	pod "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
)

// The two users of every cluster. The servers listen on loopback only and hold
// nothing but test data, so the tokens are no secrets.
const (
	adminToken  = "admin-token"  // may do everything
	viewerToken = "viewer-token" // may do nothing, until a test grants it something

	tokens = adminToken + `,admin,1,"system:masters"` + "\n" + viewerToken + ",viewer,2\n"
)

// stages are what kwok makes of nodes and pods: Ready at once, gone at once.
func stages() string {
	return node.DefaultNodeInit + "\n---\n" + heartbeat.DefaultNodeHeartbeatWithLease + "\n---\n" +
		pod.DefaultPodReady + "\n---\n" + pod.DefaultPodComplete + "\n---\n" + pod.DefaultPodDelete
}

// writeKey makes a private key: service account tokens are signed with it.
func writeKey(path string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}

// authorities keeps the CA certificates of the file that the API server wrote
// for itself: its own certificate, then the CA that signed it.
func authorities(path string) ([]byte, error) {
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var kept []byte
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil && certificate.IsCA {
			kept = append(kept, pem.EncodeToMemory(block)...)
		}
	}
	if kept == nil {
		return nil, fmt.Errorf("no CA certificate in %s yet", path)
	}
	return kept, nil
}

// addTo puts the cluster into a kubeconfig, under its name; with the viewer
// there is a second context. Nothing in it is a path.
func (c *cluster) addTo(config *api.Config, viewer bool) {
	config.Clusters[c.name] = &api.Cluster{Server: c.url(), CertificateAuthorityData: c.authority}
	config.AuthInfos[c.name] = &api.AuthInfo{Token: adminToken}
	config.Contexts[c.name] = &api.Context{Cluster: c.name, AuthInfo: c.name}
	if viewer {
		name := c.name + viewerSuffix
		config.AuthInfos[name] = &api.AuthInfo{Token: viewerToken}
		config.Contexts[name] = &api.Context{Cluster: c.name, AuthInfo: name}
	}
	if config.CurrentContext == "" {
		config.CurrentContext = c.name
	}
}

// writeKubeconfig writes what the add function fills in.
func writeKubeconfig(path string, add func(*api.Config)) error {
	config := api.NewConfig()
	add(config)
	return clientcmd.WriteToFile(*config, path)
}
