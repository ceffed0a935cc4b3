/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/own-key.h"

#include "base/fs.h"
#include "base/str.h"
#include "tls/key.h"
#include "tls/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *node_own_key_path(void)
{
	char *home = fs_config_home();
	char *path = xasprintf("%s/key.pem", home);

	free(home);
	return path;
}

int node_own_key_open(struct tls_key **out, struct err *err)
{
	char *home = fs_config_home(), *path = node_own_key_path();
	int ret = fs_mkdirs(home, 0700, err);

	if (!ret)
		ret = tls_key_load_or_create(out, path, err);
	free(path);
	free(home);
	return ret;
}

/* Part of the message that node_own_key_is_missing_error() recognizes. */
#define MISSING_KEY ": no such key"

bool node_own_key_is_missing_error(const char *error_text)
{
	return strstr(error_text, MISSING_KEY);
}

int node_own_key_context(struct tls_context **out, struct err *err)
{
	char *path = node_own_key_path();
	struct tls_key *key = NULL;
	int ret = tls_key_load(&key, path, err);

	if (ret == -ENOENT)
		err_set(err, ENOENT,
			"%s" MISSING_KEY "; `kfarm nodes add` and `kfarm nodes "
			"update` create it and register it on a node",
			path);
	if (!ret)
		ret = tls_context_new(out, key, tls_cpu_has_aes(), err);
	tls_key_free(key);
	free(path);
	return ret;
}
