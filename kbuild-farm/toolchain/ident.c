/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/ident.h"

#include "base/buf.h"
#include "toolchain/manifest.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int toolchain_identify(struct toolchain_ident *out, const char *driver,
		       struct err *err)
{
	struct toolchain_manifest m;
	int ret = toolchain_manifest_make(&m, driver, environ, err);

	*out = (struct toolchain_ident){ 0 };
	if (ret)
		return ret;
	out->id = m.id;
	out->is_clang = m.is_clang;
	out->version = xstrdup(m.version);
	out->machine = xstrdup(m.machine);
	for (size_t i = 0; i < m.entries.n; i++)
		strv_add(&out->files, m.entries.v[i].path);
	toolchain_manifest_release(&m);
	return 0;
}

void toolchain_ident_release(struct toolchain_ident *t)
{
	free(t->version);
	free(t->machine);
	strv_release(&t->files);
	*t = (struct toolchain_ident){ 0 };
}

void toolchain_ident_stamp(const struct strv *files, struct digest *out)
{
	struct buf all = { 0 };

	for (size_t i = 0; i < files->n; i++) {
		struct stat st = { 0 };

		/* A missing file is all zeroes, as no file can be. */
		if (stat(files->v[i], &st))
			st = (struct stat){ 0 };
		buf_put_u64(&all, st.st_dev);
		buf_put_u64(&all, st.st_ino);
		buf_put_u64(&all, (uint64_t)st.st_size);
		buf_put_u64(&all, (uint64_t)st.st_mtim.tv_sec);
		buf_put_u32(&all, (uint32_t)st.st_mtim.tv_nsec);
		buf_put_u64(&all, (uint64_t)st.st_ctim.tv_sec);
		buf_put_u32(&all, (uint32_t)st.st_ctim.tv_nsec);
	}
	digest_of(buf_bytes(&all), out);
	buf_release(&all);
}
