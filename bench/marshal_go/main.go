// How fast BuildKit's own client writes a graph, and what a vertex of it takes.
//
//	marshal SHAPE SIZE
//
// The shapes, the counts and the measures are those of bench/marshal.py, which compiles this in a
// source tree of BuildKit.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"google.golang.org/protobuf/proto"
)

// Inputs of one merge.
const sideBySide = 100

// graph is a graph of about size operations: half commands, half files.
func graph(shape string, size int) llb.State {
	base := llb.Image("example.invalid/base:1")
	if shape == "chain" {
		state := base
		for number := 0; number < size/2; number++ {
			state = pair(state, number)
		}
		return state
	}
	states := make([]llb.State, size/2)
	for number := range states {
		states[number] = pair(base, number)
	}
	for len(states) > 1 {
		var merged []llb.State
		for at := 0; at < len(states); at += sideBySide {
			merged = append(merged, llb.Merge(states[at:min(at+sideBySide, len(states))]))
		}
		states = merged
	}
	return states[0]
}

func pair(state llb.State, number int) llb.State {
	command := llb.Args([]string{"make", strconv.Itoa(number)})
	state = state.Run(command, llb.WithCustomNamef("make %d", number)).Root()
	stamp := llb.WithCreatedTime(time.Unix(0, 0))
	return state.File(llb.Mkfile(fmt.Sprintf("/stamp-%d", number), 0o644, []byte("done"), stamp))
}

// seconds is the processor time of this process so far, the collector's threads included.
func seconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

// mostMemory is the most bytes that this process had.
func mostMemory() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	for _, line := range strings.Split(string(status), "\n") {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "VmHWM:" {
			kilobytes, err := strconv.Atoi(words[1])
			if err != nil {
				panic(err)
			}
			return kilobytes * 1024
		}
	}
	panic("no VmHWM in /proc/self/status")
}

func main() {
	size, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	memory, began := mostMemory(), seconds()
	state := graph(os.Args[1], size)
	made := seconds()
	definition, err := state.Marshal(context.Background(), llb.LinuxAmd64,
		llb.WithCaps(pb.Caps.CapSet(pb.Caps.All())))
	if err != nil {
		panic(err)
	}
	if _, err := proto.Marshal(definition.ToPB()); err != nil {
		panic(err)
	}
	ended := seconds()
	found := map[string]any{
		"vertices": len(definition.Def) - 1, // the last one names the result, and is none
		"made":     made - began,
		"speed":    float64(size) / (ended - made),
		"memory":   float64(mostMemory()-memory) / float64(size),
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		panic(err)
	}
}
