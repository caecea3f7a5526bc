package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"github.com/transparency-dev/tessera/storage/posix"
)

// A worker of fsck that meets a damaged tile ends; the others must carry the check to its end.
const workers = 4

type pathRequest struct {
	Level uint64 `json:"level"`
	Index uint64 `json:"index"`
	// Width is 0 for a full tile.
	Width uint8 `json:"width"`
}

type paths struct {
	Tile    string `json:"tile"`
	Entries string `json:"entries"`
}

func nameTile(request pathRequest) (answer paths, err error) {
	answer.Tile = layout.TilePath(request.Level, request.Index, request.Width)
	answer.Entries = layout.EntriesPath(request.Index, request.Width)
	return answer, nil
}

// logRequest names a directory that is to be a static log (https://c2sp.org/tlog-tiles).
type logRequest struct {
	Directory string `json:"directory"`
	Origin    string `json:"origin"`
	Key       string `json:"key"`
	// Held is a checkpoint kept from before, for those who follow the log.
	Held []byte `json:"held"`
}

// checkLog judges every tile and bundle of a log by its checkpoint.
func checkLog(request logRequest) (answer verdict, err error) {
	keys, err := verifiers([]string{request.Key})
	if err != nil {
		return answer, err
	}
	// What is damaged may also make the library index beyond a bundle's end.
	defer func() {
		if cause := recover(); cause != nil {
			answer = verdict{Why: fmt.Sprint("panic: ", cause)}
		}
	}()
	source := client.FileFetcher{Root: request.Directory}
	check := fsck.New(request.Origin, keys[0], source, leafHashes, fsck.Opts{N: workers})
	return verdictOf(check.Check(context.Background())), nil
}

func leafHashes(bundle []byte) (hashes [][]byte, err error) {
	var entries api.EntryBundle
	if err := entries.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	for _, entry := range entries.Entries {
		hashes = append(hashes, hasher.HashLeaf(entry))
	}
	return hashes, nil
}

// followLog judges a log as one who holds an older checkpoint: has it only grown since?
func followLog(request logRequest) (answer verdict, err error) {
	keys, err := verifiers([]string{request.Key})
	if err != nil {
		return answer, err
	}
	ctx, source := context.Background(), client.FileFetcher{Root: request.Directory}
	served, _, _, err := client.FetchCheckpoint(ctx, source.ReadCheckpoint, keys[0], request.Origin)
	if err != nil {
		return verdictOf(err), nil
	}
	tracker, err := client.NewLogStateTracker(ctx, source.ReadTile, request.Held, keys[0],
		request.Origin, client.UnilateralConsensus(source.ReadCheckpoint))
	if err == nil {
		_, _, _, err = tracker.Update(ctx)
	}
	// The tracker keeps what it has if it is shown something smaller.
	if latest := tracker.Latest(); err == nil && latest.Size > served.Size {
		err = fmt.Errorf("rolled back from %d to %d", latest.Size, served.Size)
	}
	return verdictOf(err), nil
}

// migrateRequest asks Tessera to import a log's bundles to a new directory, for each size.
type migrateRequest struct {
	Directory string      `json:"directory"`
	Targets   []migration `json:"targets"`
}

type migration struct {
	Directory string `json:"directory"`
	Size      uint64 `json:"size"`
	Root      []byte `json:"root"`
}

type migrated struct {
	Verdicts []verdict `json:"verdicts"`
}

// migrateLog runs all at once, for each waits a second between two looks at its progress.
func migrateLog(request migrateRequest) (answer migrated, err error) {
	answer.Verdicts = make([]verdict, len(request.Targets))
	var group sync.WaitGroup
	for place, target := range request.Targets {
		group.Go(func() { answer.Verdicts[place] = verdictOf(migrate(request.Directory, target)) })
	}
	group.Wait()
	return answer, nil
}

func migrate(source string, target migration) error {
	ctx := context.Background()
	driver, err := posix.New(ctx, posix.Config{Path: target.Directory})
	if err != nil {
		return err
	}
	importer, err := tessera.NewMigrationTarget(ctx, driver, tessera.NewMigrationOptions())
	if err != nil {
		return err
	}
	bundles := client.FileFetcher{Root: source}
	return importer.Migrate(ctx, workers, target.Size, target.Root, bundles.ReadEntryBundle)
}
