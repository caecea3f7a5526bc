package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// stay waits for SIGTERM or SIGINT. As the first process of a PID namespace it is also the parent of
// the processes that lost theirs, and takes note of their end.
func stay() error {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	fmt.Println("it stays")
	for received := range signals {
		if received != syscall.SIGCHLD {
			fmt.Println("it ends:", received)
			return nil
		}
		for {
			if pid, _ := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 {
				break
			}
		}
	}
	return nil
}

func end(status string) error {
	number, err := strconv.Atoi(status)
	if err != nil {
		return err
	}
	fmt.Println("it ends with", number)
	os.Exit(number)
	return nil
}

func show(files []string) error {
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		os.Stdout.Write(content)
	}
	return nil
}
