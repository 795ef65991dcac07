# Completion of hyperactors in bash. For this session: source <(hyperactors completion bash)
_hyperactors() {
  local -a words=() replies=()
  local word previous= current paths= line broken prefix= program=${COMP_WORDS[0]/#\~\//$HOME/}
  COMPREPLY=()

  # readline breaks words at '=' and ':'; here they are whole again, without quotes.
  local -i i
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((${#words[@]} > 0)) && [[ $word == [=:]* || $previous == *[=:] ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
    previous=$word
  done
  broken=${words[-1]}
  words=("${words[@]//[\"\'\\]/}")
  words=("${words[@]/#\~\//$HOME/}")
  current=${words[-1]}

  while IFS= read -r line; do
    if [[ -z $paths ]]; then paths=$line; else replies+=("${line%%$'\t'*}"); fi
  done < <("$program" complete -- "${words[@]}" 2>/dev/null)

  case $paths in
    files | folders)
      compopt -o filenames
      if [[ $paths == files ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
      else
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
      fi
      ;;
  esac

  # What readline replaces begins behind the last break.
  if [[ $current == *[=:]* && $COMP_WORDBREAKS == *:* ]]; then
    prefix=${current%"${current##*[=:]}"}
  fi
  for word in "${replies[@]}"; do
    word=${word#"$prefix"}
    if [[ $broken != [\"\']* ]]; then
      printf -v word %q "$word"
    fi
    COMPREPLY+=("$word")
  done
  if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then
    compopt -o nospace
  fi
}

complete -F _hyperactors hyperactors
