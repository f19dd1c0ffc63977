#!/bin/bash
# Sends one message with an attachment: packaging/send-test.sh [HOST:PORT] [RECIPIENT]
set -eu
target=${1:-127.0.0.1:2525}
recipient=${2:-you@example.com}
host=${target%:*}
port=${target##*:}
exec 3<> "/dev/tcp/$host/$port"

say() { printf '%s\r\n' "$@" >&3; }
hear() {
    local line
    while IFS= read -r -t 60 line <&3; do
        line=${line%$'\r'}
        echo "$line"
        case "$line" in
            [23]??" "*) return 0 ;;
            [45]??" "*) exit 1 ;;
        esac
    done
    echo "the gateway closed the connection" >&2
    exit 3
}

hear
say "EHLO client.example.org"; hear
say "MAIL FROM:<sender@example.org>"; hear
say "RCPT TO:<$recipient>"; hear
say "DATA"; hear
attachment=$(head -c 600 /dev/zero | tr '\0' 'G' | base64 -w 72)
say "From: Sender <sender@example.org>" "To: <$recipient>" "Subject: A first message through Gatehouse" \
    "Date: $(LC_ALL=C date '+%a, %d %b %Y %H:%M:%S %z')" "Message-ID: <$RANDOM.$RANDOM.$$@example.org>" \
    "MIME-Version: 1.0" 'Content-Type: multipart/mixed; boundary="=part="' "" \
    "--=part=" "Content-Type: text/plain; charset=utf-8" "" "Hello. There is a text file with this message." \
    "--=part=" 'Content-Type: application/octet-stream; name="letters.bin"' "Content-Transfer-Encoding: base64" \
    'Content-Disposition: attachment; filename="letters.bin"' ""
while IFS= read -r line; do say "$line"; done <<< "$attachment"
say "--=part=--" "."; hear
say "QUIT"; hear
