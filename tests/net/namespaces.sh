# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Network namespaces for the tests of frames. Sourced after tests/tool/common.sh; what is made goes with the test.

PATH=$PATH:/usr/sbin:/sbin
namespaces=
delete_namespaces() {
	finish
	for namespace in $namespaces; do ip netns del "$namespace" 2>/dev/null || true; done
}

# needs TOOL...: else, and for anyone but root, all is skipped
needs() {
	[ "$(id -u)" = 0 ] || skip_all 'needs root'
	for tool; do command -v "$tool" >/dev/null || skip_all "needs $tool"; done
}

make_namespaces() {
	trap delete_namespaces EXIT
	for namespace; do
		ip netns add "$namespace" 2>/dev/null || skip_all 'no network namespaces here'
		namespaces="$namespaces $namespace"
	done
	# In a chroot, where / is no mount point, it cannot enter one.
	ip netns exec "$1" true 2>/dev/null || skip_all 'ip netns exec does not work here'
}

# make_veth NAMESPACE:INTERFACE NAMESPACE:INTERFACE
make_veth() {
	ip link add "${1#*:}" netns "${1%:*}" type veth peer name "${2#*:}" netns "${2%:*}" || skip_all 'no veth here'
}

# checksums NAMESPACE:INTERFACE: those that it sends are there, as on a wire, so that tshark can judge. Fails where they cannot be.
checksums() {
	command -v ethtool >/dev/null || return 1
	ip netns exec "${1%:*}" ethtool -K "${1#*:}" tx off >/dev/null 2>&1
}

# await_up NAMESPACE:INTERFACE...: nothing passes until the kernel has noticed that both ends are up.
is_up() { ip -n "${1%:*}" link show "${1#*:}" | grep -q 'state UP'; }
await_up() {
	for end; do until_so is_up "$end" || skip_all 'a veth pair does not come up'; done
}

# make_client_and_server: $client and $server with the pair wn-c and wn-s between them; the client has addresses.
make_client_and_server() {
	client=wn-client-$$ server=wn-server-$$
	make_namespaces $client $server
	make_veth $client:wn-c $server:wn-s
	ip -n $client addr add 10.9.0.1/24 dev wn-c
	ip -n $client addr add fd09::1/64 dev wn-c nodad
	ip -n $client link set wn-c up
	ip -n $server link set wn-s up
	checksums $client:wn-c || true
	await_up $client:wn-c $server:wn-s
}
inside() { ip netns exec "$client" "$@"; }
