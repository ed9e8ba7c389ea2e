(* What the unikernel is built of: read by `mirage configure`, which hutch calls. *)

open Mirage

let countdown = main "Unikernel" job ~packages:[ package "duration" ]
let () = register "countdown" [ countdown ]
