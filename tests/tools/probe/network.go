package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const (
	account = "/var/run/secrets/kubernetes.io/serviceaccount"
	limit   = 20 * time.Second
)

// ask sends GET to the API server, found and verified as a pod does it, and prints the status, the
// server's address and the body.
func ask(path string) error {
	token, err := os.ReadFile(filepath.Join(account, "token"))
	if err != nil {
		return err
	}
	authority, err := os.ReadFile(filepath.Join(account, "ca.crt"))
	if err != nil {
		return err
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(authority) {
		return fmt.Errorf("ca.crt holds no certificate")
	}
	server := net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
	request, err := http.NewRequest(http.MethodGet, "https://"+server+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+string(token))
	client := http.Client{
		Timeout:   limit,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}},
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	fmt.Println(answer.StatusCode, server)
	_, err = io.Copy(os.Stdout, answer.Body)
	return err
}

// resolve prints the addresses of a name, one a line.
func resolve(name string) error {
	addresses, err := net.LookupHost(name)
	for _, address := range addresses {
		fmt.Println(address)
	}
	return err
}

// relay takes connections at an address, and makes one to another address for each.
func relay(from, to string) error {
	listener, err := net.Listen("tcp", from)
	if err != nil {
		return err
	}
	for {
		near, err := listener.Accept()
		if err != nil {
			return err
		}
		go join(near.(*net.TCPConn), to)
	}
}

func join(near *net.TCPConn, to string) {
	defer near.Close()
	reached, err := net.Dial("tcp", to)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	far := reached.(*net.TCPConn)
	defer far.Close()
	done := make(chan struct{})
	go func() {
		io.Copy(far, near)
		far.CloseWrite()
		close(done)
	}()
	io.Copy(near, far)
	near.CloseWrite()
	<-done
}
