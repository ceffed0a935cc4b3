/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "../lib/test.h"

#include "kfarmd/settings.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

static struct err err;

static const char *const valid[] = {
	"0",
	"1",
	"65535",
	"3634",
	"0.0.0.0:3634",
	"192.0.2.1:1",
	"[::]:3634",
	"[::1]:3634",
	"[2001:db8::1]:80",
	"[fe80::1%lo]:80",
	"127.0.0.1:0",
};

static const char *const invalid[] = {
	"",
	":",
	":3634",
	"65536",
	"-1",
	"+1",
	"0x1",
	" 3634",
	"3634 ",
	"ssh",
	"localhost:3634",
	"192.0.2:3634",
	"192.0.2.256:3634",
	"192.0.2.1:",
	"192.0.2.1",
	"::1:3634",
	"2001:db8::1",
	"[::1]",
	"[::1",
	"[]:3634",
	"[::1]3634",
	"[::1:3634",
	"[192.0.2.1]:3634",
	"[fe80::1%nosuch0]:3634",
	"[::1]:3634:1",
	"[",
	"]:1",
	"[:1",
};

/* Read the settings of kfarmd with the option --listen. */
static int read_listen(const char *where)
{
	char *argv[] = { (char *)"--listen", (char *)where, NULL };
	struct kfarmd_settings s = { 0 };
	int ret = kfarmd_settings_read(&s, argv, &err);

	kfarmd_settings_release(&s);
	return ret;
}

TEST_EACH(valid_ports_and_addresses_are_accepted, valid)
{
	must(read_listen(*row));
}

TEST_EACH(an_invalid_address_is_rejected_and_the_error_shows_the_syntax,
	  invalid)
{
	ck_assert_int_eq(read_listen(*row), -EINVAL);
	text_has(err.text, "ADDRESS:PORT");
}

TEST(a_unix_socket_without_a_path_is_rejected)
{
	err_is(read_listen("unix:"), -EINVAL, "--listen unix: missing path");
}

static int connect_by(int family, const char *host, const char *at)
{
	const char *colon = strrchr(at, ':');
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	uint16_t port = htons((uint16_t)atoi(colon + 1));
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret;

	v4.sin_port = v6.sin6_port = port;
	if (family == AF_INET) {
		inet_pton(AF_INET, host, &v4.sin_addr);
		ret = connect(fd, (struct sockaddr *)&v4, sizeof(v4));
	} else {
		inet_pton(AF_INET6, host, &v6.sin6_addr);
		ret = connect(fd, (struct sockaddr *)&v6, sizeof(v6));
	}
	if (!ret)
		return fd;
	close(fd);
	return -1;
}

/* Return true if this machine has IPv6; otherwise mark the test as skipped. */
static bool has_v6(void)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6,
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && !bind(fd, (struct sockaddr *)&at, sizeof(at));

	close(fd);
	if (!has)
		test_skip("no IPv6");
	return has;
}

static void expect_peer(int listener, int fd, const char *start)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int peer = -1;
	char *who;

	for (int i = 0; i < 60000 && peer < 0; i++) {
		peer = accept(listener, (struct sockaddr *)&from, &len);
		if (peer < 0)
			usleep(1000);
	}
	ck_assert_int_ge(peer, 0);
	who = kfarmd_settings_format_address(&from);
	ck_assert_msg(!strncmp(who, start, strlen(start)), "%s", who);
	free(who);
	close(peer);
	close(fd);
}

TEST(an_ipv4_mapped_address_is_its_ipv4_address)
{
	char *at;
	int listener, fd;

	must(kfarmd_settings_listen("[::ffff:127.0.0.1]:0", &listener, &at,
				    &err));
	ck_assert_msg(!strncmp(at, "127.0.0.1:", 10), "%s", at);
	fd = connect_by(AF_INET, "127.0.0.1", at);
	ck_assert_int_ge(fd, 0);
	expect_peer(listener, fd, "127.0.0.1:");
	close(listener);
	free(at);
}

TEST(a_port_without_an_address_accepts_ipv4_and_ipv6)
{
	char *at;
	int listener, fd;

	must(kfarmd_settings_listen("0", &listener, &at, &err));
	fd = connect_by(AF_INET, "127.0.0.1", at);
	ck_assert_int_ge(fd, 0);
	expect_peer(listener, fd, "127.0.0.1:");
	if (has_v6()) {
		text_has(at, "[::]:");
		fd = connect_by(AF_INET6, "::1", at);
		ck_assert_int_ge(fd, 0);
		expect_peer(listener, fd, "[::1]:");
	}
	close(listener);
	free(at);
}

TEST(a_listener_accepts_connections_only_to_its_address)
{
	char *at;
	int listener, fd;

	must(kfarmd_settings_listen("127.0.0.2:0", &listener, &at, &err));
	ck_assert(!strncmp(at, "127.0.0.2:", 10));
	ck_assert_int_lt(connect_by(AF_INET, "127.0.0.1", at), 0);
	fd = connect_by(AF_INET, "127.0.0.2", at);
	ck_assert_int_ge(fd, 0);
	close(fd);
	close(listener);
	free(at);
	if (!has_v6())
		return;
	must(kfarmd_settings_listen("[::1]:0", &listener, &at, &err));
	ck_assert(!strncmp(at, "[::1]:", 6));
	close(listener);
	free(at);
}

TEST(the_error_names_an_address_that_is_in_use)
{
	char *at, *again;
	int listener, second;

	must(kfarmd_settings_listen("127.0.0.1:0", &listener, &at, &err));
	ck_assert_int_eq(kfarmd_settings_listen(at, &second, &again, &err),
			 -EADDRINUSE);
	text_has(err.text, at);
	ck_assert_int_eq(
		kfarmd_settings_listen("192.0.2.1:3634", &second, &again, &err),
		-EADDRNOTAVAIL);
	close(listener);
	free(at);
}
