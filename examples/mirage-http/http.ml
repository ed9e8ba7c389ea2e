(* A web server on MirageOS's own TCP/IP. The keys are those of every MirageOS application; `urunc`
   adds --ipv4 and --ipv4-gateway before the words of `cmd`. *)

open Lwt.Infix
module Ethernet_device = Ethernet.Make (Netif)
module Arp_cache = Arp.Make (Ethernet_device)
module Ip = Static_ipv4.Make (Ethernet_device) (Arp_cache)
module Tcp = Tcp.Flow.Make (Ip)

let cidr =
  let default = Ipaddr.V4.Prefix.of_string_exn "10.0.0.2/24" in
  Mirage_runtime.register_arg (Mirage_runtime_network.V4.network default)

let gateway = Mirage_runtime.register_arg (Mirage_runtime_network.V4.gateway None)

let greeting =
  let open Cmdliner in
  let doc = Arg.info [ "greeting" ] ~doc:"What every visitor is told." in
  Mirage_runtime.register_arg Arg.(value & opt string "hello" doc)

let answer () =
  let body = Printf.sprintf "greeting: %s\n" (greeting ()) in
  Printf.sprintf
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
    (String.length body) body

let serve flow =
  Tcp.read flow >>= fun _ ->
  Tcp.write flow (Cstruct.of_string (answer ())) >>= fun _ -> Tcp.close flow

let start () =
  Mirage_crypto_rng_mirage.initialize (module Mirage_crypto_rng.Fortuna) >>= fun () ->
  Netif.connect "service" >>= fun net ->
  Ethernet_device.connect net >>= fun ethernet ->
  Arp_cache.connect ethernet >>= fun arp ->
  Ip.connect ~cidr:(cidr ()) ?gateway:(gateway ()) ethernet arp >>= fun ip ->
  Tcp.connect ip >>= fun tcp ->
  Tcp.listen tcp ~port:80 serve;
  Printf.printf "listening on %s, port 80\n%!" (Ipaddr.V4.Prefix.to_string (cidr ()));
  let ignore ~src:_ ~dst:_ _ = Lwt.return_unit in
  let ipv4 =
    Ip.input ip ~tcp:(Tcp.input tcp) ~udp:ignore ~default:(fun ~proto:_ -> ignore)
  in
  let arpv4 = Arp_cache.input arp in
  let ipv6 _ = Lwt.return_unit in
  Netif.listen net ~header_size:Ethernet.Packet.sizeof_ethernet
    (Ethernet_device.input ethernet ~arpv4 ~ipv4 ~ipv6)
  >|= fun _ -> ()

let () =
  let keys = Mirage_runtime.runtime_args () in
  Mirage_runtime.with_argv keys "http" (Mirage_bootvar.argv ());
  Solo5_os.Main.run (start ())
