// Command interop lets the tests ask other people's implementations of transparency logs.
//
// Its argument names a question. Standard input is a JSON array of requests of that kind, standard
// output the array of answers, in the same order. Bytes are base64, as encoding/json has them.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
)

type question func(io.Reader, io.Writer) error

var questions = map[string]question{
	"keys":        each(generateKey),
	"sign":        each(signText),
	"note":        each(openNote),
	"checkpoint":  each(parseCheckpoint),
	"roots":       each(computeRoots),
	"tree":        each(buildTree),
	"inclusion":   each(checkInclusion),
	"consistency": each(checkConsistency),
	"proof":       each(checkProofFile),
	"growth":      each(checkGrowthFile),
	"write":       each(writeProofFile),
	"path":        each(nameTile),
	"fsck":        each(checkLog),
	"follow":      each(followLog),
	"migrate":     each(migrateLog),
}

// verdict says whether an implementation accepts what it was shown, and if not, why.
type verdict struct {
	Accepted bool   `json:"accepted"`
	Why      string `json:"why,omitempty"`
}

func verdictOf(err error) verdict {
	if err != nil {
		return verdict{Why: err.Error()}
	}
	return verdict{Accepted: true}
}

// each makes a question of the function that answers one request.
func each[Request, Answer any](answer func(Request) (Answer, error)) question {
	return func(in io.Reader, out io.Writer) error {
		decoder := json.NewDecoder(in)
		decoder.DisallowUnknownFields()
		var requests []Request
		if err := decoder.Decode(&requests); err != nil {
			return fmt.Errorf("requests: %w", err)
		}
		answers := make([]Answer, 0, len(requests))
		for place, request := range requests {
			made, err := answer(request)
			if err != nil {
				return fmt.Errorf("request %d: %w", place, err)
			}
			answers = append(answers, made)
		}
		return json.NewEncoder(out).Encode(answers)
	}
}

func main() {
	if len(os.Args) != 2 || questions[os.Args[1]] == nil {
		names := make([]string, 0, len(questions))
		for name := range questions {
			names = append(names, name)
		}
		slices.Sort(names)
		fmt.Fprintf(os.Stderr, "usage: interop %v <requests.json\n", names)
		os.Exit(2)
	}
	if err := questions[os.Args[1]](os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}
