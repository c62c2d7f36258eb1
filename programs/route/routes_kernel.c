/* SPDX-License-Identifier: Apache-2.0 */
/* Routes from the kernel: rtnetlink(7), four dumps by way of libmnl. */
#include "routes.h"

#include <errno.h>
#include <string.h>

#ifndef WN_HAVE_LIBMNL
#define WN_HAVE_LIBMNL 0
#endif

#if WN_HAVE_LIBMNL

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <time.h>

enum { ATTRIBUTES_MAX = 128 };
static const uint32_t NO_LINK = UINT32_MAX;

/* Of one message. */
struct attributes {
	const struct nlattr *list[ATTRIBUTES_MAX];
};

static int collect(const struct nlattr *attribute, void *context)
{
	struct attributes *attributes = context;
	const uint16_t type = mnl_attr_get_type(attribute);

	if (type < ATTRIBUTES_MAX)
		attributes->list[type] = attribute;
	return MNL_CB_OK;
}

static void parse(const struct nlmsghdr *message, size_t header, struct attributes *attributes)
{
	memset(attributes, 0, sizeof(*attributes));
	mnl_attr_parse(message, (unsigned int)header, collect, attributes);
}

/* Copies an attribute of just `bytes` bytes. Whether it was there. */
static int take(const struct attributes *attributes, int type, void *to, uint32_t bytes)
{
	const struct nlattr *attribute = attributes->list[type];

	if (!attribute || mnl_attr_get_payload_len(attribute) < bytes)
		return 0;
	memcpy(to, mnl_attr_get_payload(attribute), bytes);
	return 1;
}

static uint32_t family_of(uint8_t family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 6 : 0;
}

static uint32_t link_of(const struct wn_routes *routes, uint32_t index)
{
	for (uint32_t i = 0; i < routes->interface_count; i++)
		if (routes->interfaces[i].index == index && index)
			return i;
	return NO_LINK;
}

static int take_link(const struct nlmsghdr *message, void *context)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct wn_routes *routes = context;
	struct attributes attributes;
	char name[IFNAMSIZ] = "";

	parse(message, sizeof(*info), &attributes);
	if (attributes.list[IFLA_IFNAME])
		strncpy(name, mnl_attr_get_str(attributes.list[IFLA_IFNAME]), sizeof(name) - 1);
	for (uint32_t i = 0; i < routes->interface_count; i++) {
		struct wn_route_interface *interface = &routes->interfaces[i];

		if (strcmp(interface->name, name))
			continue;
		interface->index = (uint32_t)info->ifi_index;
		interface->has_mac = (uint32_t)take(&attributes, IFLA_ADDRESS, interface->mac, 6);
		take(&attributes, IFLA_MTU, &interface->mtu, 4);
	}
	return MNL_CB_OK;
}

static int take_address(const struct nlmsghdr *message, void *context)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	const uint32_t family = family_of(info->ifa_family);
	struct wn_routes *routes = context;
	const uint32_t link = link_of(routes, info->ifa_index);
	struct attributes attributes;
	uint8_t address[16] = {0};

	parse(message, sizeof(*info), &attributes);
	/* IFA_ADDRESS is the peer's on a point-to-point link. */
	if (link == NO_LINK || !family ||
	    (!take(&attributes, IFA_LOCAL, address, wn_route_address_bytes(family)) &&
	     !take(&attributes, IFA_ADDRESS, address, wn_route_address_bytes(family))))
		return MNL_CB_OK;
	return wn_routes_add_address(routes, link, family, address, info->ifa_prefixlen) ? MNL_CB_ERROR
											  : MNL_CB_OK;
}

static int take_neighbour(const struct nlmsghdr *message, void *context)
{
	const struct ndmsg *info = mnl_nlmsg_get_payload(message);
	const uint32_t family = family_of(info->ndm_family);
	struct wn_routes *routes = context;
	struct attributes attributes;
	struct wn_route_entry entry = {
		.family = family, .kind = WN_ROUTE_FORWARD, .rank = WN_ROUTE_RANK_NEIGHBOUR,
		.link = link_of(routes, (uint32_t)info->ndm_ifindex),
	};

	parse(message, sizeof(*info), &attributes);
	if (!family || entry.link == NO_LINK || info->ndm_type != RTN_UNICAST ||
	    info->ndm_state & (NUD_INCOMPLETE | NUD_FAILED | NUD_NOARP) ||
	    !take(&attributes, NDA_DST, entry.prefix, wn_route_address_bytes(family)) ||
	    !take(&attributes, NDA_LLADDR, entry.mac, 6))
		return MNL_CB_OK;
	entry.length = 8 * wn_route_address_bytes(family);
	return wn_routes_add(routes, &entry) ? MNL_CB_ERROR : MNL_CB_OK;
}

/* The kind of an rtm_type, or -1 where the route is none for us. */
static int kind_of(uint8_t type)
{
	switch (type) {
	case RTN_UNICAST:
		return WN_ROUTE_FORWARD;
	case RTN_LOCAL:
		return WN_ROUTE_LOCAL;
	case RTN_BROADCAST:
	case RTN_ANYCAST:
		return WN_ROUTE_BROADCAST;
	case RTN_BLACKHOLE:
		return WN_ROUTE_BLACKHOLE;
	case RTN_UNREACHABLE:
		return WN_ROUTE_NO_HOST;
	case RTN_PROHIBIT:
		return WN_ROUTE_PROHIBITED;
	default:
		return -1;
	}
}

/* Where a route leads: its own attributes, or those of the first of several next hops. */
static void take_hop(const struct attributes *attributes, struct wn_route_entry *entry,
		     uint32_t *index)
{
	const struct nlattr *several = attributes->list[RTA_MULTIPATH];
	struct attributes inner;
	const struct rtnexthop *first;

	if (several && mnl_attr_get_payload_len(several) >= sizeof(*first)) {
		first = mnl_attr_get_payload(several);
		*index = (uint32_t)first->rtnh_ifindex;
		memset(&inner, 0, sizeof(inner));
		if (first->rtnh_len >= sizeof(*first) && first->rtnh_len <= mnl_attr_get_payload_len(several))
			mnl_attr_parse_payload(first + 1, first->rtnh_len - sizeof(*first), collect, &inner);
		attributes = &inner;
	} else {
		take(attributes, RTA_OIF, index, 4);
	}
	entry->gateway_family = entry->family;
	entry->has_gateway = (uint32_t)take(attributes, RTA_GATEWAY, entry->gateway,
					    wn_route_address_bytes(entry->family));
}

static int take_route(const struct nlmsghdr *message, void *context)
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(message);
	const int kind = kind_of(info->rtm_type);
	struct wn_routes *routes = context;
	struct wn_route_entry entry = {
		.family = family_of(info->rtm_family), .length = info->rtm_dst_len, .kind = (uint32_t)kind,
		.rank = info->rtm_table == RT_TABLE_LOCAL ? WN_ROUTE_RANK_LOCAL : WN_ROUTE_RANK_ROUTE,
	};
	struct attributes attributes;
	uint32_t index = 0;

	if (!entry.family || kind < 0 || info->rtm_flags & RTM_F_CLONED ||
	    (info->rtm_table != RT_TABLE_MAIN && info->rtm_table != RT_TABLE_LOCAL))
		return MNL_CB_OK;
	parse(message, sizeof(*info), &attributes);
	take(&attributes, RTA_DST, entry.prefix, wn_route_address_bytes(entry.family));
	take(&attributes, RTA_PRIORITY, &entry.metric, 4);
	take_hop(&attributes, &entry, &index);
	if (entry.kind == WN_ROUTE_FORWARD) {
		entry.link = link_of(routes, index);
		if (entry.link == NO_LINK)
			entry.kind = WN_ROUTE_NO_NET; /* by an interface that is no link here */
		else if (!entry.has_gateway)
			entry.kind = WN_ROUTE_NO_HOST; /* on the link: its neighbours stand for themselves */
	}
	return wn_routes_add(routes, &entry) ? MNL_CB_ERROR : MNL_CB_OK;
}

/* One dump. 0 or -errno. */
static int dump(struct mnl_socket *socket, uint16_t type, mnl_cb_t take_one, struct wn_routes *routes)
{
	const uint32_t port = mnl_socket_get_portid(socket);
	char *buffer = malloc(1 << 16);
	struct nlmsghdr *message;
	struct rtgenmsg *general;
	ssize_t got;
	int rc = MNL_CB_OK;

	if (!buffer)
		return -ENOMEM;
	message = mnl_nlmsg_put_header(buffer);
	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = type;
	/* The longest header that any of the four takes, all zero: every family. */
	general = mnl_nlmsg_put_extra_header(message, type == RTM_GETROUTE     ? sizeof(struct rtmsg)
						      : type == RTM_GETNEIGH ? sizeof(struct ndmsg)
						      : type == RTM_GETADDR  ? sizeof(struct ifaddrmsg)
									     : sizeof(struct ifinfomsg));
	general->rtgen_family = AF_UNSPEC;
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		rc = MNL_CB_ERROR;
	while (rc > MNL_CB_STOP) {
		got = mnl_socket_recvfrom(socket, buffer, 1 << 16);
		rc = got < 0 ? MNL_CB_ERROR : mnl_cb_run(buffer, (size_t)got, type, port, take_one, routes);
	}
	free(buffer);
	return rc == MNL_CB_ERROR ? -(errno ? errno : ENOMEM) : 0;
}

static int name_interfaces(struct wn_routes *routes, const char *names, struct wn_error *error)
{
	while (*names) {
		const size_t length = strcspn(names, ",");
		struct wn_route_interface *interface = &routes->interfaces[routes->interface_count];

		if (!length || length >= IFNAMSIZ || routes->interface_count == WN_ROUTE_INTERFACES_MAX)
			return wn_fail(error, EINVAL, WN_USAGE,
				       "--routes 'kernel:%s': expected up to %d interfaces, kernel:eth0,eth1", names,
				       WN_ROUTE_INTERFACES_MAX);
		memcpy(interface->name, names, length);
		routes->interface_count++;
		names += length + (names[length] == ',');
	}
	return 0;
}

static int check_interfaces(const struct wn_routes *routes, struct wn_error *error)
{
	for (uint32_t i = 0; i < routes->interface_count; i++) {
		if (!routes->interfaces[i].index)
			return wn_fail(error, ENODEV, WN_USAGE, "--routes: no interface '%s' here",
				       routes->interfaces[i].name);
		if (!routes->interfaces[i].has_mac)
			return wn_fail(error, EINVAL, WN_USAGE, "--routes: interface '%s' has no Ethernet address",
				       routes->interfaces[i].name);
	}
	return 0;
}

int wn_routes_ask(struct wn_routes *routes, const char *names, struct wn_error *error)
{
	struct mnl_socket *socket;
	int rc = name_interfaces(routes, names, error);

	if (rc)
		return rc;
	socket = mnl_socket_open(NETLINK_ROUTE);
	if (!socket)
		return wn_fail(error, errno, WN_UNAVAILABLE, "routes: netlink: %s", strerror(errno));
	rc = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) ? -errno : 0;
	if (!rc)
		rc = dump(socket, RTM_GETLINK, take_link, routes);
	if (!rc && check_interfaces(routes, error)) {
		mnl_socket_close(socket);
		return -ENODEV;
	}
	if (!rc)
		rc = dump(socket, RTM_GETADDR, take_address, routes);
	if (!rc)
		rc = dump(socket, RTM_GETROUTE, take_route, routes);
	if (!rc)
		rc = dump(socket, RTM_GETNEIGH, take_neighbour, routes);
	mnl_socket_close(socket);
	return rc ? wn_fail(error, -rc, WN_FAILED, "routes: netlink: %s", strerror(-rc)) : 0;
}

#else

int wn_routes_ask(struct wn_routes *routes, const char *names, struct wn_error *error)
{
	(void)routes;
	return wn_fail(error, ENOTSUP, WN_UNAVAILABLE,
		       "--routes 'kernel:%s': this build has no libmnl; install libmnl-dev and build again, or "
		       "give a file", names);
}

#endif
