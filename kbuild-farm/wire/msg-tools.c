/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/msg-tools.h"

#include <string.h>

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

bool wire_id_ok(const char *id)
{
	size_t n = 0;

	for (; id[n]; n++) {
		if (!is_alnum(id[n]) && (!n || !strchr("._+-", id[n])))
			return false;
	}
	return n && n <= WIRE_ID_MAX;
}

bool wire_host_ok(const char *host)
{
	size_t n = strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return n && n <= WIRE_HOST_MAX && !host[n];
}

static const struct wire_field bundle[] = {
	{ WIRE_NUMBER(bundle, bundle, WIRE_ANY) },
	{ WIRE_STRING(bundle, id, WIRE_ID_MAX), .ok = wire_id_ok },
	{ WIRE_STRING(bundle, host, WIRE_HOST_MAX), .ok = wire_host_ok },
	{ WIRE_DIGEST(bundle, tree) },
	{ WIRE_DIGEST(bundle, same_as) },
	{ WIRE_STRING(bundle, json, WIRE_JSON_MAX) },
};

const struct wire_layout wire_bundle_layout = WIRE_LAYOUT(bundle, NULL);

static const struct wire_field tools[] = {
	{ WIRE_NUMBER(tools, ask, WIRE_ANY) },
	{ WIRE_NUMBER(tools, verify, 1) },
};

const struct wire_layout wire_tools_layout = WIRE_LAYOUT(tools, NULL);

static const struct wire_field held_one[] = {
	{ WIRE_STRING(held_one, id, WIRE_ID_MAX), .ok = wire_id_ok },
	{ WIRE_STRING(held_one, host, WIRE_HOST_MAX), .ok = wire_host_ok },
	{ WIRE_DIGEST(held_one, tree) },
	{ WIRE_NUMBER(held_one, state, WIRE_HELD_IN_USE) },
	{ WIRE_LINE(held_one, detail, WIRE_REASON_MAX) },
};

static const struct wire_layout held_one_layout = WIRE_LAYOUT(held_one, NULL);

static const struct wire_field held[] = {
	{ WIRE_NUMBER(held, ask, WIRE_ANY) },
	{ WIRE_NUMBER(held, last, 1) },
	{ WIRE_LIST(held, all, n, WIRE_HELD_MAX, &held_one_layout) },
};

const struct wire_layout wire_held_layout = WIRE_LAYOUT(held, NULL);

static const struct wire_field drop[] = {
	{ WIRE_NUMBER(drop, ask, WIRE_ANY) },
	{ WIRE_STRING(drop, id, WIRE_ID_MAX), .ok = wire_id_ok },
};

const struct wire_layout wire_drop_layout = WIRE_LAYOUT(drop, NULL);

static const struct wire_field dropped[] = {
	{ WIRE_NUMBER(dropped, ask, WIRE_ANY) },
	{ WIRE_NUMBER(dropped, state, 1) },
	{ WIRE_LINE(dropped, detail, WIRE_REASON_MAX) },
};

const struct wire_layout wire_dropped_layout = WIRE_LAYOUT(dropped, NULL);
