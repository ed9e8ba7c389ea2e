(* Counts down, a number a second. *)

open Lwt.Syntax

let from =
  let about = Cmdliner.Arg.info [ "from" ] ~doc:"The number to begin with." in
  Mirage_runtime.register_arg Cmdliner.Arg.(value & opt int 10 about)

let rec count = function
  | n when n <= 0 ->
      Logs.app (fun say -> say "liftoff");
      Lwt.return_unit
  | n ->
      Logs.app (fun say -> say "%d" n);
      let* () = Mirage_sleep.ns (Duration.of_sec 1) in
      count (n - 1)

let start () = count (from ())
