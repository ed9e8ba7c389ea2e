package main

import (
	"net"

	"github.com/moby/buildkit/client/llb"
)

var imageConfig = []byte(`{"os":"linux","architecture":"arm64","variant":"v8","config":` +
	`{"Env":["PATH=/bin","A=1=2","=x","B"],"WorkingDir":"/w","User":"u"}}`)

func alpine() llb.State { return llb.Image("alpine") }

func busybox() llb.State { return llb.Image("busybox:1.36") }

// run is what a state is after "true" ran in it.
func run(state llb.State, options ...llb.RunOption) llb.State {
	return state.Run(append([]llb.RunOption{llb.Args([]string{"true"})}, options...)...).Root()
}

func execs() cases {
	environment := alpine().AddEnv("A", "1").AddEnv("B", "2").AddEnv("C", "").AddEnv("A", "3")
	configured, err := alpine().WithImageConfig(imageConfig)
	must(err)
	device := func(options ...llb.CDIDeviceOption) llb.RunOption { return llb.AddCDIDevice(options...) }
	return cases{
		"exec": run(alpine()),
		"exec args": alpine().Run(
			llb.Args([]string{"sh", "-c", `echo "é"`, ""})).Root(),
		"exec env":          run(environment, llb.AddEnv("B", "x=y")),
		"exec cwd":          run(alpine().Dir("/a/b").Dir("../c")),
		"exec cwd once":     run(run(alpine().Dir("/a"), llb.Dir("b"))),
		"exec user":         run(alpine().User("u:g")),
		"exec hostname":     run(alpine().Hostname("h")),
		"exec network host": run(alpine(), llb.Network(llb.NetModeHost)),
		"exec network none": run(alpine().Network(llb.NetModeNone)),
		"exec security":     run(alpine(), llb.Security(llb.SecurityModeInsecure)),
		"exec hosts": run(alpine().AddExtraHost("a", net.ParseIP("1.2.3.4")),
			llb.AddExtraHost("b", net.ParseIP("2001:DB8:0:0:1:0:0:1")),
			llb.AddExtraHost("c", net.ParseIP("::ffff:9.8.7.6"))),
		"exec ulimits": run(alpine().AddUlimit("nofile", 10, 20), llb.AddUlimit("core", -1, 0)),
		"exec cgroup":  run(alpine(), llb.WithCgroupParent("/c")),
		"exec proxy": run(alpine(), llb.WithProxy(llb.ProxyEnv{
			HTTPProxy: "h", HTTPSProxy: "hs", FTPProxy: "f", NoProxy: "n", AllProxy: "a",
		})),
		"exec proxy empty": run(alpine(), llb.WithProxy(llb.ProxyEnv{})),
		"exec exit codes":  run(alpine(), llb.ValidExitCodes(0, 3, 255)),
		"exec devices": run(alpine(), device(llb.CDIDeviceName("v.com/c=n")),
			device(llb.CDIDeviceName("v.com/c=m"), llb.CDIDeviceOptional)),
		"exec platform base":     run(alpine()),
		"exec platform of image": run(llb.Image("alpine", llb.Platform(linux("arm64", "")))),
		"exec platform of state": run(alpine().Platform(linux("arm64", ""))),
		"exec platform own":      run(alpine(), llb.Platform(linux("arm", "v6"))),
		"exec require":           run(alpine(), llb.Require("x")),
		"exec scratch":           run(llb.Scratch()),
		"exec read-only root": alpine().Run(llb.Args([]string{"true"}), llb.ReadonlyRootFS()).
			AddMount("/out", llb.Scratch()),
		"exec image config": run(configured),
		"caps":              run(alpine(), llb.AddEnv("A", "1")),
		"no default path":   run(alpine(), llb.AddEnv("A", "1")),
	}
}

func mounts() cases {
	at := func(options ...llb.MountOption) llb.State {
		return run(alpine(), llb.AddMount("/m", busybox(), options...))
	}
	empty := func(options ...llb.MountOption) llb.State {
		return run(alpine(), llb.AddMount("/m", llb.Scratch(), options...))
	}
	owned := llb.Scratch().File(llb.Mkdir("/cache", 0o700, llb.WithUIDGID(1, 2)))
	cache := llb.AsPersistentCacheDir
	found := cases{
		"mount bind": at(),
		"mount bind output": alpine().Run(llb.Args([]string{"true"})).
			AddMount("/m", busybox()),
		"mount bind read-only":         at(llb.Readonly),
		"mount bind selector":          at(llb.SourcePath("/a/b"), llb.Readonly),
		"mount bind no output":         at(llb.ForceNoOutput),
		"mount bind content cache on":  at(llb.ContentCache(llb.MountContentCacheOn)),
		"mount bind content cache off": at(llb.ContentCache(llb.MountContentCacheOff)),
		"mount bind scratch":           empty(),
		"mount cache shared":           empty(cache("id", llb.CacheMountShared)),
		"mount cache private":          empty(cache("id", llb.CacheMountPrivate)),
		"mount cache locked":           empty(cache("id", llb.CacheMountLocked)),
		"mount cache owned": run(alpine(), llb.AddMount("/m", owned,
			llb.SourcePath("/cache"), cache("id", llb.CacheMountShared))),
		"mount cache read-only": empty(llb.Readonly, cache("id", llb.CacheMountShared)),
		"mount tmpfs":           empty(llb.Tmpfs()),
		"mount tmpfs size": run(alpine(), llb.AddMount("/dev/shm", llb.Scratch(),
			llb.Tmpfs(llb.TmpfsSize(65536)))),
		"mount secret": run(alpine(), llb.AddSecret("/run/secrets/tok", llb.SecretID("dir/tok"))),
		"mount secret everything": run(alpine(), llb.AddSecret("/s", llb.SecretID("tok"),
			llb.SecretFileOpt(1, 2, 0o440), llb.SecretOptional)),
		"mount secret env": run(alpine(),
			llb.AddSecretWithDest("tok", nil, llb.SecretAsEnvName("TOK")),
			llb.AddSecretWithDest("b", nil, llb.SecretAsEnvName("b"), llb.SecretOptional)),
		"mount ssh": run(alpine(), llb.AddSSHSocket()),
		"mount ssh two": run(alpine(), llb.AddSSHSocket(llb.SSHID("a"), llb.SSHSocketTarget("/sock")),
			llb.AddSSHSocket(llb.SSHID("b"), llb.SSHOptional)),
		"mount ssh env": run(alpine().AddEnv("SSH_AUTH_SOCK", "/x"),
			llb.AddSSHSocket(llb.SSHSocketOpt("/sock", 1, 2, 0o660))),
	}
	many := alpine().Run(
		llb.Args([]string{"make"}),
		llb.AddMount("/z", context(), llb.Readonly),
		llb.AddMount("/out", llb.Scratch()),
		llb.AddMount("/cache", llb.Scratch(), cache("c", llb.CacheMountShared)),
		llb.AddMount("/a", busybox()),
		llb.AddMount("/b", busybox(), llb.SourcePath("/x")),
		llb.AddMount("/é", context(), llb.ForceNoOutput),
		llb.AddMount("/t", llb.Scratch(), llb.Tmpfs()),
		llb.AddSecret("/s1", llb.SecretID("s1")),
		llb.AddSSHSocket(),
		llb.AddSecretWithDest("s2", nil, llb.SecretAsEnvName("S2")),
		llb.AddMount("/base", alpine()),
	)
	found["mounts root"] = many.Root()
	found["mounts out"] = many.GetMount("/out")
	found["mounts b"] = many.GetMount("/b")
	found["mounts z"] = many.GetMount("/z")
	found["mounts combined"] = llb.Scratch().File(
		llb.Copy(many.GetMount("/out"), "/", "/").
			Copy(many.GetMount("/a"), "/", "/").
			Copy(many.Root(), "/", "/"))
	return found
}
