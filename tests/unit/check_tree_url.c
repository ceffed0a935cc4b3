/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tree */
#include "../lib/test.h"

#include "tree/url.h"

static struct err err;

/* A URL and its parts; NULL: absent. */
static const struct valid_url {
	const char *text;
	enum tree_url_kind kind;
	const char *user, *host, *port, *path;
} valid_url[] = {
	{ "https://h/a%20b", TREE_URL_HTTPS, NULL, "h", NULL, "/a%20b" },
	{ "HTTP://u:p@h:80/x", TREE_URL_HTTP, "u", "h", "80", "/x" },
	{ "git://h/x", TREE_URL_GIT, NULL, "h", NULL, "/x" },
	{ "ssh://u@h:22/x", TREE_URL_SSH, "u", "h", "22", "/x" },
	{ "ssh://[::1]:22/x", TREE_URL_SSH, NULL, "::1", "22", "/x" },
	{ "ssh://h/~u/x", TREE_URL_SSH, NULL, "h", NULL, "~u/x" },
	{ "git+ssh://h/a%27b", TREE_URL_SSH, NULL, "h", NULL, "/a'b" },
	{ "h:x", TREE_URL_SSH, NULL, "h", NULL, "x" },
	{ "u@h:/x:y", TREE_URL_SSH, "u", "h", NULL, "/x:y" },
	{ "u@[::1]:x", TREE_URL_SSH, "u", "::1", NULL, "x" },
	{ "file:///a%20b", TREE_URL_LOCAL, NULL, NULL, NULL, "/a b" },
	{ "file://localhost/x", TREE_URL_LOCAL, NULL, NULL, NULL, "/x" },
	{ "/x", TREE_URL_LOCAL, NULL, NULL, NULL, "/x" },
	{ "./h:x", TREE_URL_LOCAL, NULL, NULL, NULL, "./h:x" },
	{ "x", TREE_URL_LOCAL, NULL, NULL, NULL, "x" },
};

static void check_part(const char *got, const char *wanted)
{
	ck_assert_msg(str_equal(got, wanted), "got %s, wanted %s",
		      got ? got : "nothing", wanted ? wanted : "nothing");
}

TEST_EACH(a_url_is_split_into_its_parts, valid_url)
{
	struct tree_url url;

	ck_assert_msg(!tree_url_parse(&url, row->text, &err), "%s: %s",
		      row->text, err.text);
	ck_assert_int_eq(url.kind, row->kind);
	check_part(url.user, row->user);
	check_part(url.host, row->host);
	check_part(url.port, row->port);
	check_part(url.path, row->path);
	tree_url_release(&url);
}

/* Invalid or dangerous URLs, and their messages. */
static const char *const invalid_urls[][2] = {
	{ "", "empty" },
	{ "ext::sh -c id", "remote helpers" },
	{ "fd::3", "remote helpers" },
	{ "ssh::x", "remote helpers" },
	{ "ftp://h/x", "unsupported URL scheme" },
	{ "ext://h/x", "unsupported URL scheme" },
	{ "ssh://-oProxyCommand=id/x", "starts with a dash" },
	{ "ssh://%2doProxyCommand=id/x", "starts with a dash" },
	{ "-oProxyCommand=id:x", "starts with a dash" },
	{ "ssh://-l@h/x", "starts with a dash" },
	{ "h:-x", "starts with a dash" },
	{ "git://-h/x", "starts with a dash" },
	{ "https://h/x\nhost=evil", "control characters" },
	{ "ssh://h/%0aid", "control characters" },
	{ "ssh://h%0a/x", "control characters" },
	{ "ssh://h/%00", "invalid percent-encoding" },
	{ "ssh://h/%4", "invalid percent-encoding" },
	{ "ssh://h:99999/x", "expected HOST" },
	{ "ssh://h:x/x", "expected HOST" },
	{ "ssh:///x", "expected HOST" },
	{ "ssh://[::1/x", "expected HOST" },
	{ ":x", "expected HOST" },
	{ "https://h", "missing path" },
	{ "h:", "missing path" },
	{ "file://other/x", "file URL with a remote host" },
	{ "file://local/x", "file URL with a remote host" },
	{ "file://localhosts/x", "file URL with a remote host" },
	{ "file://localhost", "missing path" },
};

TEST_EACH(an_invalid_or_dangerous_url_is_rejected, invalid_urls)
{
	struct tree_url url;

	ck_assert_int_eq(tree_url_parse(&url, (*row)[0], &err), -EINVAL);
	ck_assert_msg(strstr(err.text, (*row)[1]) != NULL, "%s", err.text);
	ck_assert_ptr_null(url.host);
}

TEST(a_url_of_5000_bytes_is_rejected)
{
	char text[5000] = "https://h/";
	struct tree_url url;

	memset(text + 10, 'x', sizeof(text) - 11);
	ck_assert_int_eq(tree_url_parse(&url, text, &err), -EINVAL);
}
