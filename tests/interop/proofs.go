package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/transparency-dev/formats/log"
	fproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"golang.org/x/mod/sumdb/tlog"
)

// largest is the size up to which tlog finds the power of two below a size; beyond it looks for ever.
const largest = 1 << 62

// opinions are those of the merkle package and, where its types can hold the proof, of tlog.
type opinions struct {
	Merkle verdict  `json:"merkle"`
	TLog   *verdict `json:"tlog"`
}

type inclusionRequest struct {
	Index  uint64   `json:"index"`
	Size   uint64   `json:"size"`
	Leaf   []byte   `json:"leaf"`
	Root   []byte   `json:"root"`
	Hashes [][]byte `json:"hashes"`
}

func checkInclusion(request inclusionRequest) (answer opinions, err error) {
	answer.Merkle = verdictOf(proof.VerifyInclusion(
		hasher, request.Index, request.Size, request.Leaf, request.Hashes, request.Root))
	ends, path, fits := typed([][]byte{request.Leaf, request.Root}, request.Hashes)
	if fits && max(request.Index, request.Size) <= largest {
		given := verdictOf(tlog.CheckRecord(
			path, int64(request.Size), ends[1], int64(request.Index), ends[0]))
		answer.TLog = &given
	}
	return answer, nil
}

type consistencyRequest struct {
	Old     uint64   `json:"old"`
	New     uint64   `json:"new"`
	OldRoot []byte   `json:"oldRoot"`
	NewRoot []byte   `json:"newRoot"`
	Hashes  [][]byte `json:"hashes"`
}

func checkConsistency(request consistencyRequest) (answer opinions, err error) {
	answer.Merkle = verdictOf(proof.VerifyConsistency(
		hasher, request.Old, request.New, request.Hashes, request.OldRoot, request.NewRoot))
	ends, path, fits := typed([][]byte{request.OldRoot, request.NewRoot}, request.Hashes)
	// tlog knows no proof from an empty tree.
	if fits && request.Old > 0 && max(request.Old, request.New) <= largest {
		given := verdictOf(tlog.CheckTree(
			path, int64(request.New), ends[1], int64(request.Old), ends[0]))
		answer.TLog = &given
	}
	return answer, nil
}

// typed returns hashes as tlog has them, if each is 32 bytes.
func typed(ends, path [][]byte) (made, hashes []tlog.Hash, fits bool) {
	for _, raw := range append(append([][]byte{}, ends...), path...) {
		if len(raw) != tlog.HashSize {
			return nil, nil, false
		}
		hashes = append(hashes, tlog.Hash(raw))
	}
	return hashes[:len(ends)], hashes[len(ends):], true
}

type proofFileRequest struct {
	Data   []byte `json:"data"`
	Origin string `json:"origin"`
	Key    string `json:"key"`
	// Old is the older checkpoint, for proofs of growth.
	Old []byte `json:"old"`
}

// checkedFile is a verdict, and whether the file is what the library would have written.
type checkedFile struct {
	verdict
	Canonical bool   `json:"canonical"`
	Index     uint64 `json:"index"`
	Header    []byte `json:"header"`
}

func checkProofFile(request proofFileRequest) (answer checkedFile, err error) {
	var parsed fproof.TLogProof
	if err := parsed.Unmarshal(request.Data); err != nil {
		answer.verdict = verdictOf(err)
		return answer, nil
	}
	answer.Canonical = bytes.Equal(parsed.Marshal(), request.Data)
	answer.Index = parsed.Index
	if answer.Header, err = headerOf(parsed.ExtraData); err == nil {
		err = verifyFile(request, parsed, answer.Header)
	}
	answer.verdict = verdictOf(err)
	return answer, nil
}

func verifyFile(request proofFileRequest, parsed fproof.TLogProof, header []byte) error {
	root, err := openCheckpoint(parsed.Checkpoint, request)
	if err != nil {
		return err
	}
	var hashes [][]byte
	for _, hash := range parsed.Hashes {
		hashes = append(hashes, hash[:])
	}
	leaf := hasher.HashLeaf(header)
	return proof.VerifyInclusion(hasher, parsed.Index, root.Size, leaf, hashes, root.Hash)
}

// openCheckpoint returns a checkpoint that the request's key has signed.
func openCheckpoint(data []byte, request proofFileRequest) (*log.Checkpoint, error) {
	keys, err := verifiers([]string{request.Key})
	if err != nil {
		return nil, err
	}
	parsed, _, _, err := log.ParseCheckpoint(data, request.Origin, keys[0])
	return parsed, err
}

// headerOf returns the header in a rynxs proof's extra data: all of it, a CBOR array of ten, or
// the first of three byte strings.
func headerOf(extra []byte) ([]byte, error) {
	const threeItems, tenItems, byteString = 0x83, 0x8a, 0x58
	switch {
	case len(extra) > 0 && extra[0] == tenItems:
		return extra, nil
	case len(extra) > 3 && extra[0] == threeItems && extra[1] == byteString:
		if end := 3 + int(extra[2]); end <= len(extra) {
			return extra[3:end], nil
		}
	case len(extra) > 4 && extra[0] == threeItems && extra[1] == byteString+1:
		if end := 4 + int(extra[2])<<8 + int(extra[3]); end <= len(extra) {
			return extra[4:end], nil
		}
	}
	return nil, errors.New("extra data: no header")
}

// checkGrowthFile judges the body of a witness's add-checkpoint request.
func checkGrowthFile(request proofFileRequest) (answer verdict, err error) {
	return verdictOf(verifyGrowth(request)), nil
}

func verifyGrowth(request proofFileRequest) error {
	head, data, found := bytes.Cut(request.Data, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	number, isOld := strings.CutPrefix(lines[0], "old ")
	size, err := strconv.ParseUint(number, 10, 64)
	if !found || !isOld || err != nil {
		return errors.New("not a request to add a checkpoint")
	}
	var hashes [][]byte
	for _, line := range lines[1:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(hash) != sha256.Size {
			return fmt.Errorf("%q is no hash", line)
		}
		hashes = append(hashes, hash)
	}
	before, err := openCheckpoint(request.Old, request)
	if err != nil {
		return err
	}
	after, err := openCheckpoint(data, request)
	if err != nil {
		return err
	}
	if before.Size != size {
		return fmt.Errorf("a proof from %d, the old checkpoint has %d", size, before.Size)
	}
	return proof.VerifyConsistency(
		hasher, before.Size, after.Size, hashes, before.Hash, after.Hash)
}

type writeRequest struct {
	Index      uint64   `json:"index"`
	Hashes     [][]byte `json:"hashes"`
	Checkpoint []byte   `json:"checkpoint"`
	Extra      []byte   `json:"extra"`
}

type written struct {
	Data []byte `json:"data"`
}

func writeProofFile(request writeRequest) (answer written, err error) {
	made := fproof.TLogProof{
		Index: request.Index, Checkpoint: request.Checkpoint, ExtraData: request.Extra,
	}
	for _, hash := range request.Hashes {
		made.Hashes = append(made.Hashes, [sha256.Size]byte(hash))
	}
	answer.Data = made.Marshal()
	return answer, nil
}
