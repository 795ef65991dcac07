#compdef hyperactors
# Completion of hyperactors in zsh. For this session, after compinit: source <(hyperactors completion zsh)
_hyperactors() {
  local -a lines options says settings allowed
  local line word
  lines=("${(@f)$(${(Q)words[1]/#\~\//$HOME/} complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "${(@)lines[2,-1]}"; do
    word=${line%%$'\t'*}
    if [[ $word == *= ]]; then
      settings+=("$word")
      allowed+=("${line/$'\t'/  -- }")
    else
      options+=("$word")
      says+=("${line/$'\t'/  -- }")
    fi
  done

  case $lines[1] in
    files) _files ;;
    folders) _files -/ ;;
  esac
  (( ${#options} )) && compadd -l -d says -- "${options[@]}"
  (( ${#settings} )) && compadd -l -S '' -d allowed -- "${settings[@]}"
}

if [[ ${funcstack[1]} == _hyperactors ]]; then
  _hyperactors "$@"
else
  compdef _hyperactors hyperactors
fi
