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
arp mirage/arp f277edb7ee0be8a9ec7b78d632c168db7f382b1d v4.1.0
bheap backtracking/bheap e36a77483ce79fa52e1ea87a251e7c50b3fec4fb 2.0.0
bootvar mirage/mirage-bootvar c31a256f0c46afb417cfe52871100ceb0679973c v1.0.0
cmdliner dune-universe/cmdliner 4d35f861f80833d7b6e7038c304846156232a04f v2.1.0+dune
cstruct mirage/ocaml-cstruct 8c7c94a038aae72dc89c994551c9d2c690895607 v6.2.0
digestif mirage/digestif 0763eb3b34ac8881925c4f50055f4bff3808aed4 v1.3.0
domain-name hannesm/domain-name 26c8a60f57d73e5f767ca8049dba29ca0a214d55 v0.4.1
duration hannesm/duration 7bf34d3c03586b9a8680a617f2b3a30f16513710 v0.3.1
eqaf mirage/eqaf 7bec047f8bfa1a233d24fc4a4b77e8eb18988155 v0.10
ethernet mirage/ethernet f566a7135d481302637587b566430cd66698d630 v3.2.0
fmt dbuenzli/fmt 486ff388311a03e79218111f5259824c1facae91 v0.11.0
ipaddr mirage/ocaml-ipaddr 8332fff3deda91b231c6f90c03b8aba5c355f0c9 v5.6.2
logs dune-universe/logs 4f141048f71b1d84b8e283086c62ca270aa13051 v0.7.0+dune
lru pqwy/lru cf049b90bfc5a36ad2c5fb01cf5bd04de80766e7 v0.3.1
lwt ocsigen/lwt bfd18ca21965a348ff3fe0e09ffd822e07610cae 5.9.3
lwt-dllist mirage/lwt-dllist e6a7a5a105ab0b88788e67d901474b280b4eebe1 v1.1.0
metrics mirage/metrics 5d3133c4a461d00eb97cc31b09d8126e49632c0f v0.5.0
mirage mirage/mirage 6d86cc902f7891590db2040bc33f3cf53f2fb143 v4.11.1
mirage-crypto mirage/mirage-crypto a8e62cd00118041214b7539f099f0ec3f73031a2 v2.1.0
mirage-flow mirage/mirage-flow 22c4d50031f24d3ef86700cfc988db62a89a7a6b v5.0.0
mirage-mtime mirage/mirage-mtime 4fc4a1b5c5f60c62772f59d1fd6f6968ef8e30d2 v5.2.0
mirage-net mirage/mirage-net f440f203ed2d1653f11d6c0b184dbbdfb94ef723 v4.0.0
mirage-net-solo5 mirage/mirage-net-solo5 08eb65ad6b554f494c4744f6300d6b7af400f9c2 v0.8.0
mirage-sleep mirage/mirage-sleep b1d897b32fe70c01dd60865bd7791aea6109a5a8 v4.0.0
mirage-solo5 mirage/mirage-solo5 be95f5a5b1af6d19ce60c1ab2475d27c007f824a v0.10.0
psq pqwy/psq b2eb86165712da210bcffec385bb7e031e54045e v0.2.1
randomconv hannesm/randomconv b2ce656d09738d676351f5a1c18aff0ff37a7dcc v0.2.0
result janestreet/result b0b9cd6e9cce8d2b7ad11127a6135540ec3f8a92 1.5
tcpip mirage/mirage-tcpip ee22b76879cda4f00cd942664fb55904a9d63378 v9.0.1
END

# fmt is built with topkg where it comes from, and seq is part of OCaml, though libraries still name it:
# what dune needs for them, opam-monorepo's overlays have, too.
printf '%s\n' '(lang dune 3.0)' '(package (name fmt) (allow_empty))' > "$new/fmt/dune-project"
echo '(library (name fmt) (public_name fmt) (modules fmt) (wrapped false))' > "$new/fmt/src/dune"
mkdir "$new/seq"
printf '%s\n' '(lang dune 3.0)' '(package (name seq) (allow_empty))' > "$new/seq/dune-project"
echo '(library (name seq) (public_name seq) (modules) (wrapped false))' > "$new/seq/dune"
mv "$new" duniverse
