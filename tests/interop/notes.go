package main

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

type keyRequest struct {
	Name string `json:"name"`
	// Kind is "ed25519" or "cosigner" (tlog-cosignature by ML-DSA-44).
	Kind string `json:"kind"`
}

type keyPair struct {
	Private string `json:"private"`
	VKey    string `json:"vkey"`
	// Cosigner is the same Ed25519 key's vkey for tlog-cosignature.
	Cosigner string `json:"cosigner,omitempty"`
}

func generateKey(request keyRequest) (made keyPair, err error) {
	if request.Kind == "cosigner" {
		made.Private, made.VKey, err = fnote.GenerateMLDSAKey(request.Name)
		return made, err
	}
	if made.Private, made.VKey, err = note.GenerateKey(nil, request.Name); err != nil {
		return made, err
	}
	made.Cosigner, err = fnote.VKeyToCosignatureV1(made.VKey)
	return made, err
}

type signRequest struct {
	Text string `json:"text"`
	// Private keys sign the text; Cosigners, Ed25519 or ML-DSA-44, cosign it.
	Private   []string `json:"private"`
	Cosigners []string `json:"cosigners"`
}

type signed struct {
	Note []byte `json:"note"`
}

func signText(request signRequest) (made signed, err error) {
	var signers []note.Signer
	for _, text := range request.Private {
		signer, err := note.NewSigner(text)
		if err != nil {
			return made, err
		}
		signers = append(signers, signer)
	}
	for _, text := range request.Cosigners {
		signer, err := fnote.NewSignerForCosignatureV1(text)
		if err != nil {
			return made, err
		}
		signers = append(signers, signer)
	}
	made.Note, err = note.Sign(&note.Note{Text: request.Text}, signers...)
	return made, err
}

type noteRequest struct {
	Note []byte   `json:"note"`
	Keys []string `json:"keys"`
}

type opened struct {
	verdict
	// Canonical tells that all base64 is in its one form, which the library does not ask for.
	Canonical bool     `json:"canonical"`
	Signers   []string `json:"signers"`
	Text      string   `json:"text"`
}

func openNote(request noteRequest) (answer opened, err error) {
	keys, err := verifiers(request.Keys)
	if err != nil {
		return answer, err
	}
	found, err := note.Open(request.Note, note.VerifierList(keys...))
	answer.verdict = verdictOf(err)
	if err == nil {
		answer.Text = found.Text
		answer.Canonical = isCanonical(found)
		for _, signature := range found.Sigs {
			answer.Signers = append(answer.Signers, signature.Name)
		}
	}
	return answer, nil
}

func verifiers(vkeys []string) (made []note.Verifier, err error) {
	for _, vkey := range vkeys {
		verifier, err := fnote.NewVerifier(vkey)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", vkey, err)
		}
		made = append(made, verifier)
	}
	return made, nil
}

func isCanonical(found *note.Note) bool {
	for _, list := range [][]note.Signature{found.Sigs, found.UnverifiedSigs} {
		for _, signature := range list {
			if !isOneForm(signature.Base64) {
				return false
			}
		}
	}
	return true
}

func isOneForm(text string) bool {
	raw, err := base64.StdEncoding.DecodeString(text)
	return err == nil && base64.StdEncoding.EncodeToString(raw) == text
}

// checkpointRequest asks whether the first key has signed a checkpoint of that origin.
type checkpointRequest struct {
	Note   []byte   `json:"note"`
	Origin string   `json:"origin"`
	Keys   []string `json:"keys"`
}

type checkpoint struct {
	verdict
	Canonical  bool   `json:"canonical"`
	Size       uint64 `json:"size"`
	Root       []byte `json:"root"`
	Extensions string `json:"extensions"`
}

func parseCheckpoint(request checkpointRequest) (answer checkpoint, err error) {
	keys, err := verifiers(request.Keys)
	if err != nil {
		return answer, err
	}
	parsed, rest, found, err := log.ParseCheckpoint(
		request.Note, request.Origin, keys[0], keys[1:]...)
	answer.verdict = verdictOf(err)
	if err == nil {
		answer.Size, answer.Root, answer.Extensions = parsed.Size, parsed.Hash, string(rest)
		text := string(parsed.Marshal()) + answer.Extensions
		extensions := strings.Split(strings.TrimSuffix(answer.Extensions, "\n"), "\n")
		answer.Canonical = isCanonical(found) && text == found.Text && len(parsed.Hash) == 32
		for _, line := range extensions {
			answer.Canonical = answer.Canonical && (answer.Extensions == "" || line != "")
		}
	}
	return answer, nil
}
