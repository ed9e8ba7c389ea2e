(* Greets whom --hello= names, and says its other arguments. *)

let key = "--hello="

let () =
  let whom = ref "world" in
  let rest = ref [] in
  let read word =
    if String.starts_with ~prefix:key word then
      let from = String.length key in
      whom := String.sub word from (String.length word - from)
    else rest := word :: !rest
  in
  List.iter read (List.tl (Array.to_list Sys.argv));
  Printf.printf "Hello, %s, from OCaml %s on Solo5!\n" !whom Sys.ocaml_version;
  List.iter (Printf.printf "argument: %s\n") (List.rev !rest)
