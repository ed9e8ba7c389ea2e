package main

import (
	"github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	digest1    = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	repository = "https://github.com/moby/buildkit.git"
	url        = "https://example.com/a%20b?c=d#e"
)

func linux(architecture, variant string) ocispecs.Platform {
	return ocispecs.Platform{OS: "linux", Architecture: architecture, Variant: variant}
}

func images() cases {
	image := llb.Image
	windows := ocispecs.Platform{
		OS: "windows", Architecture: "amd64", OSVersion: "10.0.17763.1", OSFeatures: []string{"a", "win32k"},
	}
	return cases{
		"image":                    image("alpine"),
		"image tag":                image("debian:12-slim"),
		"image digest":             image("debian@" + digest1),
		"image tag and digest":     image("debian:12@" + digest1),
		"image hub user":           image("moby/buildkit"),
		"image registry port":      image("localhost:5000/a/b__c.d-e:T.1"),
		"image registry localhost": image("localhost/x"),
		"image registry ipv6":      image("[::1]:5000/x"),
		"image legacy hub":         image("index.docker.io/alpine"),
		"image pull":               image("alpine", llb.ResolveModeForcePull),
		"image local":              image("alpine", llb.ResolveModePreferLocal),
		"image internal":           image("alpine", llb.MarkImageInternal),
		"image layer limit":        image("alpine", llb.WithLayerLimit(0)),
		"image checksum":           image("alpine", llb.WithImageChecksum(digest1)),
		"image everything": image("alpine", llb.ResolveModeForcePull, llb.MarkImageInternal,
			llb.WithLayerLimit(3), llb.WithImageChecksum(digest1)),
		"image arm64":        image("alpine", llb.Platform(linux("arm64", ""))),
		"image armv7":        image("alpine", llb.Platform(linux("arm", "v7"))),
		"image windows":      image("mcr.example.com/nano", llb.Platform(windows)),
		"image base riscv64": image("alpine"),
		"image require":      image("alpine", llb.Require("label.a==b", "c==d")),
		"image blob":         llb.ImageBlob("example.com/a/b@" + digest1),
		"image blob everything": llb.ImageBlob("alpine@"+digest1,
			llb.Filename("f"), llb.Chmod(0o755), llb.Chown(1, 2)),
		"oci layout": llb.OCILayout("store@" + digest1),
		"oci layout everything": llb.OCILayout("example.com/x:y@"+digest1,
			llb.OCIStore("sess", "store"), llb.OCILayerLimit(2), llb.Platform(linux("arm64", ""))),
		"oci layout blob": llb.OCILayoutBlob("example.com/x@"+digest1,
			llb.ImageBlobOCIStore("sess", "store"), llb.Filename("f"), llb.Chmod(0o600)),
	}
}

func context(options ...llb.LocalOption) llb.State {
	return llb.Local("context", append([]llb.LocalOption{llb.SessionID("sess")}, options...)...)
}

func locals() cases {
	return cases{
		"local unique":  llb.Local("context", llb.LocalUniqueID("unique")),
		"local session": context(),
		"local filters": context(llb.IncludePatterns([]string{"a/*", "b"}),
			llb.ExcludePatterns([]string{".git", "!x"}), llb.FollowPaths([]string{"p"}),
			llb.SharedKeyHint("hint")),
		"local json": context(llb.ExcludePatterns([]string{
			`<a>&"\`, "é\u2028\u2029\U0001f40b", "\t\n\r\b\f\x01\x7f", "/",
		})),
		"local empty filters":   context(llb.ExcludePatterns(nil), llb.FollowPaths(nil)),
		"local differ none":     context(llb.Differ(llb.DiffNone, false)),
		"local differ required": context(llb.Differ(llb.DiffMetadata, true)),
		"local metadata":        context(llb.MetadataOnlyTransfer(nil)),
		"local metadata except": context(llb.MetadataOnlyTransfer([]string{"*.go"})),
	}
}

func gits() cases {
	git := llb.Git
	return cases{
		"git":             git(repository, ""),
		"git no protocol": git("github.com/moby/buildkit.git", ""),
		"git ref":         git(repository, "v0.11"),
		"git subdir":      git(repository, ":/a/../b/"),
		"git ref subdir":  git(repository, "v0.11:a/b"),
		"git user port path": git(
			"http://user:p%40ss@Example.com:8080//a/./b%20c/../d%41.git", "main"),
		"git upper scheme": git("HTTPS://example.com/a", ""),
		"git protocol":     git("git://example.com/a", ""),
		"git scp": git("git@127.0.0.1:moby/buildkit.git", "main",
			llb.KnownSSHHosts("h1 k1\nh2 k2")),
		// Nobody listens at port 1: the client finds no host keys to add.
		"git ssh url":    git("ssh://git@127.0.0.1:1/a/b", "", llb.MountSSHSock("id")),
		"git keep dir":   git(repository, "", llb.KeepGitDir()),
		"git secrets":    git(repository, "", llb.AuthTokenSecret("t"), llb.AuthHeaderSecret("h")),
		"git no secrets": git(repository, "", llb.AuthTokenSecret(""), llb.AuthHeaderSecret("")),
		"git everything": git(repository, "main", llb.GitChecksum("abcdef0"), llb.GitSkipSubmodules(),
			llb.GitMTimeCommit(), llb.GitFetchByCommit()),
		"git bundle": git(repository, "main", llb.GitChecksum("abcdef0"),
			llb.GitBundleURL("oci-layout+blob://x@"+digest1, llb.GitBundleOCIStore("sess", "store")),
			llb.GitCheckoutBundle()),
	}
}

func https() cases {
	return cases{
		"http": llb.HTTP(url),
		"http everything": llb.HTTP(url, llb.Checksum(digest1), llb.Filename("f"), llb.Chmod(0o644),
			llb.Chown(10, 20), llb.AuthHeaderSecret("h"),
			llb.Header(llb.HTTPHeader{Accept: "a/b", UserAgent: "u"}),
			llb.VerifyPGPSignature(llb.HTTPSignatureInfo{
				PubKey: []byte("KEY"), Signature: []byte("SIG"),
			})),
		"http small": llb.HTTP(url, llb.Chmod(7), llb.Chown(0, 20)),
	}
}
