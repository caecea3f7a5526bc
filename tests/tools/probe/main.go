// What runs in the pods of the tests, as the only file of their image: each command does one thing
// that a pod could do, and tells on standard output what came of it. Two also serve the node that the
// pods are on: stay is its first process, and relay its way to the API server.
package main

import (
	"fmt"
	"os"
)

const usage = `usage:
  probe stay              until it is told to end, and be parent to orphans
  probe end STATUS        at once
  probe ask PATH          the API server, as the pod's service account
  probe resolve NAME      by the pod's DNS
  probe show FILE...
  probe write FILE
  probe relay FROM TO     TCP connections, from one address to another
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 0 {
		return fmt.Errorf(usage)
	}
	command, rest := arguments[0], arguments[1:]
	switch {
	case command == "stay" && len(rest) == 0:
		return stay()
	case command == "end" && len(rest) == 1:
		return end(rest[0])
	case command == "ask" && len(rest) == 1:
		return ask(rest[0])
	case command == "resolve" && len(rest) == 1:
		return resolve(rest[0])
	case command == "show":
		return show(rest)
	case command == "write" && len(rest) == 1:
		return os.WriteFile(rest[0], nil, 0o600)
	case command == "relay" && len(rest) == 2:
		return relay(rest[0], rest[1])
	}
	return fmt.Errorf(usage)
}
