package main

import (
	"time"

	"github.com/moby/buildkit/client/llb"
)

func at(seconds int64) llb.CreatedTime { return llb.WithCreatedTime(time.Unix(seconds, 0)) }

func copied(source, destination string, options ...llb.CopyOption) llb.State {
	return alpine().File(llb.Copy(context(), source, destination, options...))
}

func files() cases {
	scratch := llb.Scratch
	inWork := alpine().Dir("/w")
	return cases{
		"mkfile":       scratch().File(llb.Mkfile("/f", 0o644, []byte("x"))),
		"mkfile empty": scratch().File(llb.Mkfile("/f", 0, []byte{})),
		"mkfile everything": scratch().File(llb.Mkfile("d/../f", 0o755, []byte{0, 0xff},
			llb.WithUser("root:7"), at(1700000000))),
		"mkfile epoch":       scratch().File(llb.Mkfile("/f", 0o644, []byte("x"), at(0))),
		"mkfile dir":         inWork.File(llb.Mkfile("f", 0o644, []byte("x"))),
		"mkfile owner names": alpine().File(llb.Mkfile("/f", 0o644, []byte("x"), llb.WithUser("www:data"))),
		"mkfile owner root":  alpine().File(llb.Mkfile("/f", 0o644, []byte("x"), llb.WithUser("root:12"))),
		"mkfile owner user":  alpine().File(llb.Mkfile("/f", 0o644, []byte("x"), llb.WithUser("5"))),
		"mkdir":              scratch().File(llb.Mkdir("/d", 0o755)),
		"mkdir everything": scratch().File(llb.Mkdir("/d/e/", 0o700, llb.WithParents(true),
			llb.WithUIDGID(1, 2), at(1))),
		"rm": alpine().File(llb.Rm("/f")),
		"rm everything": alpine().File(llb.Rm("a/*",
			llb.WithAllowNotFound(true), llb.WithAllowWildcard(true))),
		"symlink":            scratch().File(llb.Symlink("../a", "/b")),
		"symlink everything": scratch().File(llb.Symlink("/a", "/b", llb.WithUser("1:2").(llb.ChownOpt), at(2))),
		"copy":               copied("/a", "/b"),
		"copy dir slash":     copied("a/", "/b/"),
		"copy dot":           copied(".", "/b/."),
		"copy root dot":      copied("../..", "/."),
		"copy relative":      inWork.File(llb.Copy(context().Dir("/c"), "a", "b/")),
		"copy mode":          copied("/a", "/b", llb.ChmodOpt{Mode: 0o4755}),
		"copy mode zero":     copied("/a", "/b", llb.ChmodOpt{}),
		"copy mode letters":  copied("/a", "/b", llb.ChmodOpt{ModeStr: "u=rwX,go=rX"}),
		"copy flags": copied("/a", "/b", &llb.CopyInfo{
			FollowSymlinks: true, CopyDirContentsOnly: true, AttemptUnpack: true, CreateDestPath: true,
			AllowWildcard: true, AllowEmptyWildcard: true, AlwaysReplaceExistingDestPaths: true,
		}),
		"copy patterns": copied("/", "/", &llb.CopyInfo{
			IncludePatterns: []string{"a", "b/**"}, ExcludePatterns: []string{"c"},
			RequiredPaths: []string{"a"},
		}),
		"copy owner time":   copied("/a", "/b", llb.WithUser("www:5"), at(0)),
		"copy from scratch": alpine().File(llb.Copy(scratch(), "/", "/")),
		"copy from itself":  itself(),
		"copy onto scratch": scratch().File(llb.Copy(context(), "/a", "/b")),
		"file chain": inWork.File(llb.Mkdir("d", 0o755).
			Copy(busybox(), "/x", "d/", llb.WithUser("www")).
			Copy(context(), "/y", "/y").
			Copy(busybox(), "/z", "/z").
			Rm("/q").
			Symlink("a", "/l").
			Mkfile("d/f", 0o600, []byte("data"))),
		"file chain scratch": scratch().File(llb.Copy(busybox(), "/x", "/x").
			Mkfile("/f", 0o644, []byte("1")).
			Copy(busybox(), "/y", "/y")),
		"file then file": scratch().File(llb.Mkfile("/a", 0o644, []byte("1"))).
			File(llb.Mkfile("/b", 0o644, []byte("2"))),
	}
}

// itself copies within one and the same state.
func itself() llb.State {
	state := alpine()
	return state.File(llb.Copy(state, "/a", "/b"))
}
