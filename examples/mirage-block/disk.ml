(* Reads the block device that it is given, and keeps a count of its starts there: in the first
   sector, which ext2 leaves to others. *)

open Lwt.Infix

let label =
  let open Cmdliner in
  let doc = Arg.info [ "label" ] ~doc:"What the count of starts is kept under, 1 to 8 letters." in
  Mirage_runtime.register_arg Arg.(value & opt string "starts" doc)

let fail pp error = Lwt.fail_with (Format.asprintf "%a" pp error)

let read block sector buffer =
  Block.read block sector [ buffer ] >>= function
  | Ok () -> Lwt.return_unit
  | Error error -> fail Block.pp_error error

let write block sector buffer =
  Block.write block sector [ buffer ] >>= function
  | Ok () -> Lwt.return_unit
  | Error error -> fail Block.pp_write_error error

(* The magic number of ext2: the superblock begins at byte 1024. *)
let magic block size =
  let at = 1024 + 56 in
  let buffer = Cstruct.create size in
  read block (Int64.of_int (at / size)) buffer >|= fun () -> Cstruct.LE.get_uint16 buffer (at mod size)

let count block size label =
  let word = Bytes.make 8 ' ' in
  Bytes.blit_string label 0 word 0 (min 8 (String.length label));
  let buffer = Cstruct.create size in
  read block 0L buffer >>= fun () ->
  let known = Cstruct.to_string ~len:8 buffer = Bytes.to_string word in
  let starts = if known then Int32.succ (Cstruct.LE.get_uint32 buffer 8) else 1l in
  Cstruct.blit_from_bytes word 0 buffer 0 8;
  Cstruct.LE.set_uint32 buffer 8 starts;
  write block 0L buffer >|= fun () -> starts

let start () =
  Block.connect "storage" >>= fun block ->
  Block.get_info block >>= fun { Mirage_block.sector_size; size_sectors; _ } ->
  Printf.printf "storage: %Ld sectors of %d bytes\n%!" size_sectors sector_size;
  magic block sector_size >>= fun magic ->
  Printf.printf "magic: %x\n%!" magic;
  count block sector_size (label ()) >|= fun starts -> Printf.printf "%s: %ld\n%!" (label ()) starts

let () =
  let keys = Mirage_runtime.runtime_args () in
  Mirage_runtime.with_argv keys "disk" (Mirage_bootvar.argv ());
  Solo5_os.Main.run (start ())
