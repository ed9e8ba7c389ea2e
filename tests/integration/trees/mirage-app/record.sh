# What a rule of dune can see: record.sh COMPILER
cat /opt/solo5/record /opt/mirage/record
echo "dune target: $MODE"
echo "dune toolchains: $(ls /etc/ocamlfind.conf.d)"
echo "dune compiler: $1"
echo "dune network: $(ls /sys/class/net | tr '\n' ' ')"
if [ -e ../configured ]; then
	cat ../configured ../duniverse/called
	app-tool
fi
