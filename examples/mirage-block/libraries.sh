# The libraries' sources, into duniverse/: of each a release, known by its commit.
#
# It is `app.fetch`, which has the network. Sources that are there already are left as they are.
set -eu
[ ! -e duniverse ] || exit 0
new=duniverse.part
rm -rf "$new"
while read -r directory repository commit release; do
	echo "$directory $release"
	git init --quiet "$new/$directory"
	git -C "$new/$directory" fetch --quiet --depth=1 "https://github.com/$repository" "$commit"
	git -C "$new/$directory" -c advice.detachedHead=false checkout --quiet FETCH_HEAD
	rm -rf "$new/$directory/.git"
done << 'END'
bheap backtracking/bheap e36a77483ce79fa52e1ea87a251e7c50b3fec4fb 2.0.0
bootvar mirage/mirage-bootvar c31a256f0c46afb417cfe52871100ceb0679973c v1.0.0
cmdliner dune-universe/cmdliner 4d35f861f80833d7b6e7038c304846156232a04f v2.1.0+dune
cstruct mirage/ocaml-cstruct 8c7c94a038aae72dc89c994551c9d2c690895607 v6.2.0
duration hannesm/duration 7bf34d3c03586b9a8680a617f2b3a30f16513710 v0.3.1
fmt dbuenzli/fmt 486ff388311a03e79218111f5259824c1facae91 v0.11.0
logs dune-universe/logs 4f141048f71b1d84b8e283086c62ca270aa13051 v0.7.0+dune
lwt ocsigen/lwt bfd18ca21965a348ff3fe0e09ffd822e07610cae 5.9.3
metrics mirage/metrics 5d3133c4a461d00eb97cc31b09d8126e49632c0f v0.5.0
mirage mirage/mirage 6d86cc902f7891590db2040bc33f3cf53f2fb143 v4.11.1
mirage-block mirage/mirage-block 20e3794e5452b8d37b951cf60ec907e8d96507c7 v3.0.2
mirage-block-solo5 mirage/mirage-block-solo5 95db9204dbe36aa4019b573b4009845673db201a v0.8.1
mirage-sleep mirage/mirage-sleep b1d897b32fe70c01dd60865bd7791aea6109a5a8 v4.0.0
mirage-solo5 mirage/mirage-solo5 be95f5a5b1af6d19ce60c1ab2475d27c007f824a v0.10.0
result janestreet/result b0b9cd6e9cce8d2b7ad11127a6135540ec3f8a92 1.5
END

# fmt is built with topkg where it comes from: what dune needs, opam-monorepo's overlays have, too.
printf '%s\n' '(lang dune 3.0)' '(package (name fmt) (allow_empty))' > "$new/fmt/dune-project"
echo '(library (name fmt) (public_name fmt) (modules fmt) (wrapped false))' > "$new/fmt/src/dune"
mv "$new" duniverse
