# Types a line into a zsh at a terminal, presses Tab, and prints what it offers.
# zsh -f complete.zsh FOLDER-OF-FUNCTIONS LINE
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "fpath=(${(q)1} \$fpath); source ${(q)0:A:h}/complete-inside.zsh"
zpty -m -r shell heard '*READY*'
zpty -w -n shell "$2"$'\t'
zpty -m -r shell heard '*THE-END*'
print -r -- ${heard%THE-END*}
zpty -d shell
