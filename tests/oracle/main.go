// The oracle of the tests of llb/: what BuildKit's own Go client makes of the graphs of
// tests/unit/llb/cases.py, and what Go's libraries say of names.
//
// It is run by `python3 -m tests.oracle CHECKOUT`, which says how. Each case has its name of cases.py,
// and the two are written side by side: what is added there is added here.
package main

import (
	stdcontext "context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

type cases map[string]llb.State

var background = stdcontext.Background()

// What a case is marshalled with besides linux/amd64.
var constraints = map[string]llb.ConstraintsOpt{
	"image base riscv64": llb.LinuxRiscv64,
	"exec platform base": llb.LinuxArm64,
	"caps":               without(),
	"no default path":    without(pb.CapExecMetaSetsDefaultPath),
}

type golden struct {
	Ops       []string          `json:"ops"`
	Caps      []string          `json:"caps"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	Locations map[string]string `json:"locations,omitempty"`
	Files     int               `json:"files,omitempty"`
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

// without is a daemon that has every capability but these.
func without(missing ...apicaps.CapID) llb.ConstraintsOpt {
	list := pb.Caps.All()
	for i := range list {
		if slices.Contains(missing, apicaps.CapID(list[i].ID)) {
			list[i].Enabled = false
		}
	}
	return llb.WithCaps(pb.Caps.CapSet(list))
}

func sum(data []byte) string {
	found := sha256.Sum256(data)
	return hex.EncodeToString(found[:])
}

func answer(name string, state llb.State) golden {
	options := []llb.ConstraintsOpt{llb.LinuxAmd64}
	if more, ok := constraints[name]; ok {
		options = append(options, more)
	}
	definition, err := state.Marshal(background, options...)
	must(err)
	found := golden{Metadata: map[string]string{}, Locations: map[string]string{}}
	for number, op := range definition.Def {
		key := digest.FromBytes(op)
		metadata := definition.Metadata[key].ToPB()
		found.Ops = append(found.Ops, key.Encoded())
		found.Caps = append(found.Caps, strings.Join(slices.Sorted(maps.Keys(metadata.Caps)), " "))
		metadata.Caps = nil
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(metadata)
		must(err)
		if len(data) > 0 {
			found.Metadata[strconv.Itoa(number)] = sum(data)
		}
		if there := definition.Source.Locations[key.String()]; len(there.GetLocations()) > 0 {
			found.Locations[strconv.Itoa(number)] = printed(there.Locations)
		}
	}
	found.Files = len(definition.Source.Infos)
	return found
}

func printed(locations []*pb.Location) string {
	var text strings.Builder
	for _, location := range locations {
		fmt.Fprintf(&text, "%d:", location.SourceIndex)
		for _, r := range location.Ranges {
			fmt.Fprintf(&text, " %d.%d-%d.%d",
				r.Start.Line, r.Start.Character, r.End.Line, r.End.Character)
		}
		text.WriteString(";")
	}
	return text.String()
}

func write(path string, content any) {
	file, err := os.Create(path)
	must(err)
	encoder := json.NewEncoder(file)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	must(encoder.Encode(content))
	must(file.Close())
}

// main writes both files of goldens: oracle COMMIT DIRECTORY
func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: oracle COMMIT DIRECTORY")
		os.Exit(2)
	}
	commit, directory := os.Args[1], os.Args[2]
	answers := map[string]golden{}
	for _, section := range []func() cases{
		images, locals, gits, https, execs, mounts, files, relations, descriptions,
	} {
		for name, state := range section() {
			if _, twice := answers[name]; twice {
				must(fmt.Errorf("two cases have the name %q", name))
			}
			answers[name] = answer(name, state)
		}
	}
	about := "Made with moby/buildkit's client/llb at commit " + commit + ". ops: SHA-256 of each " +
		"marshalled op, the terminal last. caps: capabilities in the metadata of each op. metadata: " +
		"SHA-256 of the op's deterministic OpMetadata without caps, where it is not empty. locations: " +
		"file index and ranges."
	write(filepath.Join(directory, "go.json"), struct {
		About string            `json:"about"`
		Cases map[string]golden `json:"cases"`
	}{about, answers})
	names(commit, filepath.Join(directory, "names.json"))
}
