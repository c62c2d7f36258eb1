#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `warpnic run filter` beside tcpdump, file in and file out: the same packets with the same times. The
# capture is made of mutated frames, from a seed.
set -eu
. "$(dirname "$0")/../tool/common.sh"

PATH=$PATH:/usr/sbin:/sbin
for tool in tcpdump python3; do
	command -v $tool >/dev/null || { echo "1..0 # SKIP needs $tool"; exit 0; }
done
if "$WARPNIC" run filter --expression ip --link memory:kind=frame,count=1 2>&1 | grep -q 'no libpcap'; then
	echo '1..0 # SKIP no libpcap'
	exit 0
fi

python3 - "$folder/in.pcap" <<'END'
import random
import struct
import sys

random.seed(5)
ports = [22, 53, 80, 443, 5353, 40000]
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    for i in range(5000):
        transport = struct.pack(">HHHH", random.choice(ports), random.choice(ports), 30, 0) + bytes(22)
        protocol = random.choice([6, 17, 1, 58])
        if random.random() < 0.6:
            options = bytes([1]) * random.choice([0, 0, 4, 40])
            network = struct.pack(">BBHHHBBH4s4s", 0x45 + len(options) // 4, 0,
                                  20 + len(options) + len(transport), i, random.choice([0, 0x4000, 0x2001]), 64,
                                  protocol, 0, bytes([10, 0, 0, random.randrange(4)]),
                                  bytes([192, 168, 0, random.randrange(4)])) + options
            kind = 0x0800
        else:
            network = struct.pack(">IHBB", 0x60000000, len(transport), protocol, 64) + bytes(31)
            network += bytes([random.randrange(4)])
            kind = 0x86dd
        tags = struct.pack(">HH", 0x8100, random.choice([7, 100])) * random.choice([0, 0, 1, 2])
        frame = bytearray(bytes(12) + tags + struct.pack(">H", kind) + network + transport)
        if i % 3 == 0:
            for _ in range(4):
                frame[random.randrange(len(frame))] = random.randrange(256)
        wire = len(frame)
        if i % 5 == 0:
            frame = frame[:random.randrange(wire + 1)]
        file.write(struct.pack("<IIII", 1000 + i // 100, i % 1000000, len(frame), wire) + frame)
END

# same EXPRESSION: both write the same packets
same() {
	tcpdump -Z root -r "$folder/in.pcap" -w "$folder/theirs.pcap" "$1" 2>/dev/null
	"$WARPNIC" run filter --expression "$1" -r "$folder/in.pcap" -w "$folder/ours.pcap" -q --json \
		>"$folder/run.json" 2>/dev/null
	for side in theirs ours; do
		tcpdump --nano -tt -nexx -r "$folder/$side.pcap" 2>/dev/null >"$folder/$side.text"
	done
	got=0
	cmp -s "$folder/theirs.text" "$folder/ours.text" || got=1
	result "$got" "$1: $(value "$folder/run.json" delivered) of 5000"
}

for expression in 'udp port 53' 'tcp' 'not ip' 'vlan 100 and udp' 'host 10.0.0.1 and not port 80' \
	'ip6 and port 443' 'len > 70' 'ip[6:2] & 0x1fff != 0' 'ip[((ip[0] & 0xf) * 4):2] = 53' 'less 40' \
	'ether[len - 1] = 0' 'tcp[13] & 2 != 0 or icmp' 'src net 10.0.0.0/30 and portrange 20-60'; do
	same "$expression"
done

"$WARPNIC" run filter --expression udp --expression 'udp port 53' --expression arp -r "$folder/in.pcap" \
	-w "$folder/ours.pcap" --json >"$folder/run.json" 2>"$folder/run.err"
result "$(grep -q 'filter: 3 expressions' "$folder/run.err" && echo 0 || echo 1)" 'says what was compiled'
for rule in 1 2; do
	words=$([ $rule = 1 ] && echo udp || echo 'udp port 53')
	want=$(tcpdump -Z root -r "$folder/in.pcap" --count "$words" 2>/dev/null | cut -d' ' -f1)
	result "$([ "$(value "$folder/run.json" rule_$rule)" = "$want" ] && echo 0 || echo 1)" "rule_$rule counts $want"
done
result "$([ "$(value "$folder/run.json" delivered)" = "$(value "$folder/run.json" matched)" ] && echo 0 || echo 1)" \
	'a frame that matches twice is delivered once'
refuses 2 "'udp prt 53': " run filter --expression 'udp prt 53' -r "$folder/in.pcap"
refuses 2 'needs --expression' run filter -r "$folder/in.pcap"
done_testing
