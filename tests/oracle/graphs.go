package main

import (
	"fmt"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

func relations() cases {
	first := llb.Scratch().File(llb.Mkfile("/a", 0o644, []byte("1")))
	second := llb.Scratch().File(llb.Mkfile("/b", 0o644, []byte("2")))
	base := alpine()
	ran := run(base)
	left := ran.File(llb.Mkfile("/l", 0o644, []byte{}))
	right := ran.Run(llb.Args([]string{"r"})).Root()
	chain := alpine()
	for number := range 40 {
		chain = chain.Run(llb.Args([]string{"n", fmt.Sprint(number)})).Root().
			File(llb.Mkfile(fmt.Sprintf("/f%d", number), 0o644, []byte{byte(number)}))
	}
	one := llb.Image("alpine", llb.WithCustomName("one"))
	two := llb.Image("alpine", llb.WithCustomName("two"))
	scratch := llb.Scratch()
	return cases{
		"merge":                llb.Merge([]llb.State{base, first, second}),
		"merge twice the same": llb.Merge([]llb.State{base, first, first}),
		"merge scratch":        llb.Merge([]llb.State{scratch, first, scratch, second}),
		"merge one":            llb.Merge([]llb.State{scratch, first}),
		"diff":                 llb.Diff(base, ran),
		"diff upper scratch":   llb.Diff(base, scratch),
		"diff lower scratch":   llb.Diff(scratch, base),
		"diff itself":          llb.Diff(base, base),
		"merge diff run":       run(llb.Merge([]llb.State{base.Dir("/w"), llb.Diff(base, ran)})),
		"passthrough":          ran.Requires("id", first, scratch, second),
		"diamond": llb.Merge([]llb.State{
			left, right, left.File(llb.Copy(right, "/", "/")),
		}),
		"chain":          chain,
		"equal vertices": scratch.File(llb.Copy(one, "/a", "/a").Copy(two, "/b", "/b")),
	}
}

func lines(file *llb.SourceMap, ranges ...[4]int32) llb.ConstraintsOpt {
	var found []*pb.Range
	for _, r := range ranges {
		found = append(found, &pb.Range{
			Start: &pb.Position{Line: r[0], Character: r[1]},
			End:   &pb.Position{Line: r[2], Character: r[3]},
		})
	}
	return file.Location(found)
}

func descriptions() cases {
	described := func(what llb.ConstraintsOpt) llb.State { return run(alpine(), what.(llb.RunOption)) }
	bunnyfile := llb.NewSourceMap(nil, "bunnyfile", "", []byte("a: 1\n"))
	again := llb.NewSourceMap(nil, "bunnyfile", "", []byte("a: 1\n"))
	other := llb.NewSourceMap(nil, "other", "", []byte("b\n"))
	image := llb.Image("alpine", lines(bunnyfile, [4]int32{1, 0, 1, 4}))
	ran := run(image, lines(other, [4]int32{1, 0, 1, 1}, [4]int32{1, 1, 2, 0}))
	inner, err := described(llb.WithCustomName("inner")).Marshal(background, llb.LinuxArm64)
	must(err)
	definition, err := llb.NewDefinitionOp(inner.ToPB())
	must(err)
	foreign := llb.NewState(definition.Output())
	return cases{
		"meta name":            described(llb.WithCustomName("[a] é")),
		"meta ignore cache":    described(llb.IgnoreCache),
		"meta export cache":    described(llb.WithExportCache()),
		"meta no export cache": described(llb.WithoutExportCache()),
		"meta group":           described(llb.ProgressGroup("id", "name", false)),
		"meta weak group":      llb.Image("x", llb.ProgressGroup("id", "name", true)),
		"meta resources": described(llb.WithLinuxResources(llb.LinuxResources{
			Memory: 1, MemorySwap: -1, CPUShares: 2, CPUPeriod: 3, CPUQuota: 4,
			CpusetCpus: "0-3", CpusetMems: "0",
		})),
		"locations": ran.File(llb.Mkfile("/a", 0o644, []byte{}),
			lines(again, [4]int32{1, 3, 1, 4})),
		"foreign":     foreign.File(llb.Mkfile("/x", 0o644, []byte{})),
		"foreign run": run(foreign),
	}
}
