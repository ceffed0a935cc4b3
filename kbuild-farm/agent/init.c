/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/init.h"

#include "base/fs.h"
#include "base/str.h"
#include "tls/key.h"
#include "tls/pin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char clients[] =
	"# Who may have this node compile: a line for each, the fingerprint of\n"
	"# its key and a name.  `kfarm nodes add` on a build host writes its own.\n"
	"#SHA256:0000000000000000000000000000000000000000000 build-host\n";

static const char node_conf[] =
	"# kfarmd's own settings, see kfarmd(8); its command line counts more.\n"
	"[node]\n"
	"#\tlisten = 3634\n"
	"#\tslots = 4\n"
	"#\tstore = /var/lib/kfarm/store\n"
	"#\tstore-size = 10G\n"
	"#\ttoolchains = /var/lib/kfarm/toolchains\n"
	"#\thost = arm\n";

static int make_if_missing(const char *dir, const char *name, const char *text,
			   struct err *err)
{
	char *path = xasprintf("%s/%s", dir, name);
	int ret = fs_exists(path) ? 0 :
				    fs_write(path, bytes_str(text), 0644, err);

	free(path);
	return ret;
}

static int show_key(const char *dir, struct err *err)
{
	char *path = xasprintf("%s/key.pem", dir);
	char pin[TLS_PIN_TEXT];
	struct tls_key *key;
	int ret = tls_key_open(&key, path, err);

	free(path);
	if (ret)
		return ret;
	tls_pin_text(tls_key_pin(key), pin);
	tls_key_free(key);
	if (puts(pin) < 0 || fflush(stdout))
		return err_errno(err, "standard output");
	return 0;
}

int agent_init(const char *dir, struct err *err)
{
	int ret;

	/* The daemon may be another user, and only the key is a secret. */
	umask(022);
	ret = fs_mkdirs(dir, 0755, err);
	if (!ret)
		ret = make_if_missing(dir, "clients", clients, err);
	if (!ret)
		ret = make_if_missing(dir, "node.conf", node_conf, err);
	if (!ret)
		ret = show_key(dir, err);
	return ret;
}
