package main

import (
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"
)

var hasher = rfc6962.DefaultHasher

type rootsRequest struct {
	Leaves [][]byte `json:"leaves"`
}

type roots struct {
	Roots [][]byte `json:"roots"`
}

// computeRoots returns the root of no leaves, of the first, of the first two, and so on.
func computeRoots(request rootsRequest) (answer roots, err error) {
	factory := compact.RangeFactory{Hash: hasher.HashChildren}
	tree := factory.NewEmptyRange(0)
	answer.Roots = append(answer.Roots, hasher.EmptyRoot())
	for _, leaf := range request.Leaves {
		if err := tree.Append(hasher.HashLeaf(leaf), nil); err != nil {
			return answer, err
		}
		root, err := tree.GetRootHash(nil)
		if err != nil {
			return answer, err
		}
		answer.Roots = append(answer.Roots, root)
	}
	return answer, nil
}

// treeRequest asks for roots and proofs of a tree whose leaf N is the text "leaf N".
type treeRequest struct {
	Size  uint64   `json:"size"`
	Roots []uint64 `json:"roots"`
	// Inclusion holds pairs of index and size, Consistency pairs of old and new size.
	Inclusion   [][2]uint64 `json:"inclusion"`
	Consistency [][2]uint64 `json:"consistency"`
}

type tree struct {
	Roots       [][]byte   `json:"roots"`
	Inclusion   [][][]byte `json:"inclusion"`
	Consistency [][][]byte `json:"consistency"`
}

func buildTree(request treeRequest) (answer tree, err error) {
	built := testonly.New(hasher)
	for number := range request.Size {
		built.AppendData(fmt.Appendf(nil, "leaf %d", number))
	}
	for _, size := range request.Roots {
		answer.Roots = append(answer.Roots, built.HashAt(size))
	}
	if answer.Inclusion, err = proofs(built.InclusionProof, request.Inclusion); err != nil {
		return answer, err
	}
	answer.Consistency, err = proofs(built.ConsistencyProof, request.Consistency)
	return answer, err
}

func proofs(
	prove func(uint64, uint64) ([][]byte, error), pairs [][2]uint64,
) (made [][][]byte, err error) {
	for _, pair := range pairs {
		hashes, err := prove(pair[0], pair[1])
		if err != nil {
			return nil, err
		}
		made = append(made, append([][]byte{}, hashes...))
	}
	return made, nil
}
