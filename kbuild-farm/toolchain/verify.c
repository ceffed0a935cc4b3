/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/verify.h"

#include "base/elf.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/vec.h"
#include "compiler/host.h"
#include "fetch/checksums.h"
#include "fetch/download.h"
#include "fetch/key.h"
#include "toolchain/archive.h"
#include "toolchain/builtin.h"
#include "toolchain/dir-digest.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* Sources that exercise the whole compiler, not only its parser. */
static const char unit_c[] =
	"struct pair { unsigned long a; unsigned char b[3]; };\n"
	"static const char *const names[] = { \"one\", \"two\" };\n"
	"extern int outside(const char *, struct pair *);\n"
	"int inside(int n, struct pair *p)\n"
	"{\n"
	"\tswitch (n) {\n"
	"\tcase 0: return outside(names[0], p);\n"
	"\tcase 1: return outside(names[1], p + n);\n"
	"\tcase 7: return (int)(p->a * 3 + p->b[2]);\n"
	"\tdefault: return n << 3;\n"
	"\t}\n"
	"}\n";
static const char unit_s[] = "#define VALUE 42\n"
			     "\t.text\n"
			     "\t.globl here\n"
			     "here:\n"
			     "\t.long VALUE\n";

char *toolchain_verify_find_driver(const struct compiler_entries *entries,
				   const char *triplet, struct err *err)
{
	char *end = triplet ? xasprintf("/bin/%s-gcc", triplet) :
			      xstrdup("/bin/clang");
	const char *best = NULL;

	for (size_t i = 0; i < entries->n; i++) {
		const struct compiler_entry *e = &entries->v[i];

		if (e->kind == COMPILER_ENTRY_DIR || !str_ends(e->path, end) ||
		    (e->kind == COMPILER_ENTRY_FILE && !e->executable))
			continue;
		if (!best || toolchain_dir_digest_path_depth(e->path) <
				     toolchain_dir_digest_path_depth(best))
			best = e->path;
	}
	if (!best)
		err_set(err, ENOEXEC, "no program %s in the archive", end + 1);
	free(end);
	return best ? xstrdup(best) : NULL;
}

/*
 * Return a triplet without its vendor, such as "arm-linux-gnueabi" for
 * "arm-unknown-linux-gnueabi".
 */
static char *without_vendor(const char *triplet)
{
	const char *system = strstr(triplet, "-linux");
	size_t cpu = strcspn(triplet, "-");

	return system ? xasprintf("%.*s%s", (int)cpu, triplet, system) :
			xstrdup(triplet);
}

bool toolchain_verify_is_triplet(const char *machine, const char *triplet)
{
	char *a = without_vendor(machine), *b = without_vendor(triplet);
	bool fits = str_starts(a, b) && strchr(b, '-') != NULL;

	free(a);
	free(b);
	return fits;
}

/*
 * Capture the stdout of a program.  If the program fails, `err` contains the
 * first line of its stderr.
 */
static int capture(const struct toolchain_smoke_test *t, char *const *argv,
		   struct buf *out, struct err *err)
{
	const char *path = getenv("PATH");
	char *search = xasprintf("PATH=%s",
				 path ? path : COMPILER_TOOLCHAIN_PATH);
	char *tmp = xasprintf("TMPDIR=%s", t->work_dir);
	char lang[] = "LC_ALL=C";
	char *env[] = { search, tmp, lang,
			t->bind_now ? (char *)"LD_BIND_NOW=1" : NULL, NULL };
	struct buf output = { 0 };
	/* Cast away const: capture_run() only reads the flag. */
	int ret = capture_run((void *)(uintptr_t)t->cancelled, t->work_dir,
			      argv, env, out, &output, err);

	if (ret == -EINTR) {
		ret = err_set(err, ECANCELED, "cancelled");
	} else if (ret) {
		err_wrap(err, "%s %s", str_base(argv[0]), argv[1]);
		if (output.len) {
			struct err first = *err;

			err_set(err, ENOEXEC, "%.400s: %.*s", first.text,
				(int)strcspn(buf_str(&output), "\n"),
				buf_str(&output));
		}
		ret = -ENOEXEC;
	}
	buf_release(&output);
	free(search);
	free(tmp);
	return ret;
}

static int query_driver_word(const struct toolchain_smoke_test *t,
			     const char *option, char **out, struct err *err)
{
	char *argv[] = { (char *)(uintptr_t)t->driver,
			 (char *)(uintptr_t)option, NULL };
	struct buf output = { 0 };
	int ret = capture(t, argv, &output, err);

	*out = ret ? NULL :
		     xstrndup(buf_str(&output),
			      strcspn(buf_str(&output), "\n"));
	buf_release(&output);
	return ret;
}

/* Return true if `line` contains `version` as a complete version number. */
static bool driver_prints(const char *line, const char *version)
{
	size_t len = strlen(version);

	for (const char *at = line; (at = strstr(at, version)); at += len) {
		bool begins = at == line || !strchr("0123456789.", at[-1]);

		if (begins && (!at[len] || !strchr("0123456789.", at[len])))
			return true;
	}
	return false;
}

static int check_release(const struct toolchain_smoke_test *t, struct err *err)
{
	char *version = toolchain_release_format_version(t->release);
	char *output = NULL;
	int ret = query_driver_word(t, "--version", &output, err);

	if (!ret && !driver_prints(output, version))
		ret = err_set(err, ENOEXEC,
			      "driver reports version \"%.200s\", expected %s",
			      output, version);
	if (!ret && t->triplet) {
		free(output);
		ret = query_driver_word(t, "-dumpmachine", &output, err);
		if (!ret && !toolchain_verify_is_triplet(output, t->triplet))
			ret = err_set(
				err, ENOEXEC,
				"driver reports target \"%.200s\", expected %s",
				output, t->triplet);
	}
	free(output);
	free(version);
	return ret;
}

int toolchain_verify_compile(const struct toolchain_smoke_test *t,
			     const char *name, const char *text,
			     const char *const *flags, struct err *err)
{
	char *source = xasprintf("%s/%s", t->work_dir, name);
	char *object = xasprintf("%s.o", source);
	struct strv argv = { 0 };
	struct buf out = { 0 };
	int ret = fs_write(source, bytes_str(text), 0644, err);

	strv_add(&argv, t->driver);
	strv_add_all(&argv, (char *const *)flags);
	strv_add_all(&argv, (char *[]){ (char *)"-O2", (char *)"-ffreestanding",
					(char *)"-c", (char *)"-o", object,
					source, NULL });
	if (!ret)
		ret = capture(t, argv.v, &out, err);
	if (!ret && !elf_has_magic(object))
		ret = err_set(err, ENOEXEC, "%s: not an object file", object);
	if (ret == -ENOEXEC)
		err_wrap(err, "test compile of %s failed", name);
	buf_release(&out);
	strv_release(&argv);
	free(object);
	free(source);
	return ret;
}

int toolchain_smoke_test(const struct toolchain_smoke_test *t, bool *executed,
			 struct err *err)
{
	const struct toolchain_host *host;
	struct elf_program elf;
	struct utsname uts;
	const char *name;
	int ret = elf_program_read(&elf, t->driver, err);

	if (ret)
		return ret;
	name = compiler_host_from_elf(&elf);
	host = name ? toolchain_builtin_host_by_machine(name) : NULL;
	if (!str_equal(name ? name : "?", t->host) &&
	    !str_equal(host ? host->name : "?", t->host))
		ret = err_set(err, ENOEXEC, "compiler runs on %s, expected %s",
			      host ? host->name :
			      name ? name :
				     "an unknown machine",
			      t->host);
	uname(&uts);
	*executed = !ret && compiler_host_can_execute(&elf, uts.machine);
	elf_program_release(&elf);
	if (ret || !*executed)
		return ret;
	ret = check_release(t, err);
	if (!ret)
		ret = toolchain_verify_compile(t, "unit.c", unit_c, NULL, err);
	if (!ret)
		ret = toolchain_verify_compile(t, "unit.S", unit_s, NULL, err);
	return ret;
}

/*
 * Find a line in the loader's output that reports a missing library, symbol or
 * symbol version.
 */
static const char *find_loader_fault(const char *text, size_t *len)
{
	static const char *const signs[] = { "not found", "undefined symbol",
					     "symbol lookup error",
					     "version `" };

	for (; *text; text += *len + (text[*len] == '\n')) {
		*len = strcspn(text, "\n");
		for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
			if (memmem(text, *len, signs[i], strlen(signs[i])))
				return text;
		}
	}
	return NULL;
}

static bool is_glibc(const char *program)
{
	struct elf_program elf;
	struct err ignored;
	const char *base;
	bool is;

	if (elf_program_read(&elf, program, &ignored))
		return false;
	base = elf.interpreter ? str_base(elf.interpreter) : "";
	is = str_starts(base, "ld-linux") || str_starts(base, "ld64.so.") ||
	     str_starts(base, "ld.so.");
	elf_program_release(&elf);
	return is;
}

int toolchain_verify_libraries(const char *program, struct err *err)
{
	const char *argv[] = { program, NULL };
	static const char *const env[] = { "LC_ALL=C",
					   "LD_TRACE_LOADED_OBJECTS=1",
					   "LD_WARN=yes", "LD_BIND_NOW=yes",
					   NULL };
	struct buf output = { 0 };
	const char *line;
	size_t len = 0;
	int ret = 0;

	if (!is_glibc(program))
		return 0;
	ret = capture_run(NULL, "/", (char *const *)argv, (char *const *)env,
			  &output, &output, err);
	line = find_loader_fault(buf_str(&output), &len);
	if (!line && ret && output.len) {
		line = buf_str(&output);
		len = strcspn(line, "\n");
	}
	while (line && len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	if (line)
		ret = err_set(err, ENOEXEC, "%s: %.*s", program, (int)len,
			      line);
	else if (ret)
		ret = -ENOEXEC;
	buf_release(&output);
	return ret;
}

#define SUMS     "sha256sums.asc"
#define SUMS_MAX (16u << 20)
#define SIGN_MAX (64u << 10)

/* The only key whose signatures are accepted, and URLs to fetch it from. */
struct pinned_key {
	const struct toolchain_install_request *request;
	const char *fingerprint;
	struct strv sources;
	char *keyring;
};

static void pin_init(struct pinned_key *p,
		     const struct toolchain_install_request *o,
		     const char *given, const struct toolchain_key *data)
{
	*p = (struct pinned_key){ .request = o,
				  .fingerprint = given ? given :
							 data->fingerprint };
	if (o->key_sources)
		strv_add_all(&p->sources, o->key_sources->v);
	strv_add_all(&p->sources, data->sources.v);
}

static void pin_release(struct pinned_key *p)
{
	strv_release(&p->sources);
	free(p->keyring);
}

static int obtain_pinned_key(struct pinned_key *p, bool anew, struct err *err)
{
	const struct toolchain_install_request *o = p->request;
	char *keyring;
	int ret = fetch_key_find(o->data_dir, p->fingerprint, o->key_files,
				 &p->sources, o->fetch_options, anew, &keyring,
				 err);

	if (ret)
		return ret;
	free(p->keyring);
	p->keyring = keyring;
	return 0;
}

/*
 * Run `check` with the pinned key.  If the keyring lacks the signing key, fetch
 * the key again, because it may have new subkeys, and retry.  Returns -ENOENT
 * if the key is not available.
 */
static int check_signed_text(struct pinned_key *p,
			     int (*check)(void *ctx, const struct pinned_key *p,
					  struct err *err),
			     void *ctx, struct err *err)
{
	struct err ignored;
	int ret = obtain_pinned_key(p, false, err);

	if (ret)
		return ret == -ENOKEY ? -ENOENT : ret;
	ret = check(ctx, p, err);
	if (ret == -ENOKEY && !obtain_pinned_key(p, true, &ignored))
		ret = check(ctx, p, err);
	return ret;
}

/*
 * Read the file `path`, which is in the archive's directory.  `path` is a local
 * path if the archive is local, and a path below a mirror otherwise.  Returns
 * -ENOENT if the file is missing.
 */
static int fetch_beside_archive(const struct toolchain_install_request *o,
				const char *path, size_t most, struct buf *out,
				struct err *err)
{
	struct strv urls = { 0 };
	int ret;

	if (o->archive_path)
		return fs_exists(path) ?
			       fs_read(path, most, out, err) :
			       err_set(err, ENOENT, "%s: not found", path);
	toolchain_archive_list_urls(path, o->mirrors, &urls);
	ret = fetch_download_text((const char *const *)urls.v, most,
				  o->fetch_options, out, err);
	strv_release(&urls);
	return ret;
}

struct signed_checksums {
	struct buf text, verified;
	struct fetch_signature signature;
};

static int check_signed_checksums(void *ctx, const struct pinned_key *p,
				  struct err *err)
{
	struct signed_checksums *l = ctx;

	return fetch_gpgv_verify_text(p->keyring, p->fingerprint,
				      buf_bytes(&l->text), &l->verified,
				      &l->signature, err);
}

static void note_expired_key(const struct toolchain_install_request *o,
			     const char *what, const struct fetch_signature *by)
{
	if (o->notes && by->key_expired)
		strv_addf(
			o->notes,
			"%s: signed by the key %s, which has expired since then",
			what, by->fingerprint);
}

/*
 * Find the archive's SHA-256 in the server's signed list.  Returns -ENOENT if
 * the list or its key is missing, or if the list does not contain the archive.
 */
static int find_archive_checksum(struct toolchain_verify *v, const char *path,
				 struct err *err)
{
	const struct toolchain_install_request *o = v->request;
	char *dir = str_dir(path), *file = xasprintf("%s/" SUMS, dir);
	struct signed_checksums list = { 0 };
	struct pinned_key pin;
	int ret = fetch_beside_archive(o, file, SUMS_MAX, &list.text, err);

	pin_init(&pin, o, o->sums_key, toolchain_builtin_sums_key());
	if (!ret)
		ret = check_signed_text(&pin, check_signed_checksums, &list,
					err);
	if (!ret)
		ret = fetch_checksums_find(buf_bytes(&list.verified),
					   str_base(path), &v->checksum, err);
	if (!ret) {
		v->has_checksum = true;
		v->sums_key = xstrdup(list.signature.fingerprint);
		note_expired_key(o, SUMS, &list.signature);
	} else {
		err_wrap(err, SUMS);
	}
	pin_release(&pin);
	buf_release(&list.text);
	buf_release(&list.verified);
	free(file);
	free(dir);
	return ret;
}

/*
 * Check that the keyring contains the signing key.  To do so, gpgv verifies the
 * signature over an empty text: it reports an unknown key before it reports a
 * bad signature.
 */
static int try_signing_key(void *ctx, const struct pinned_key *p,
			   struct err *err)
{
	struct toolchain_verify *v = ctx;
	struct fetch_gpgv_stream *stream;
	struct fetch_signature by;
	int ret = fetch_gpgv_stream_start(&stream, p->keyring, p->fingerprint,
					  buf_bytes(&v->signature), err);

	if (ret)
		return ret;
	ret = fetch_gpgv_stream_finish(stream, &by, err);
	fetch_gpgv_stream_free(stream);
	return ret == -ENOKEY || ret == -ENOPKG ? ret : 0;
}

/*
 * Return the path of an archive's detached signature, such as "x.tar.sign" for
 * "x.tar.xz", or NULL if the archive's name has no ".tar".
 */
static char *signature_path(const char *path)
{
	const char *dot = strrchr(path, '.');

	if (str_ends(path, ".tar"))
		return xasprintf("%s.sign", path);
	if (!dot || dot - path < 4 || strncmp(dot - 4, ".tar", 4) != 0)
		return NULL;
	return xasprintf("%.*s.sign", (int)(dot - path), path);
}

/*
 * Fetch the detached signature of the archive.  Returns -ENOENT if the
 * signature or the key to check it is missing.
 */
static int find_archive_signature(struct toolchain_verify *v, const char *path,
				  struct err *err)
{
	const struct toolchain_install_request *o = v->request;
	char *file = signature_path(path);
	struct pinned_key pin;
	int ret = file ? fetch_beside_archive(o, file, SIGN_MAX, &v->signature,
					      err) :
			 err_set(err, ENOENT, "%s: no .tar in the name", path);

	pin_init(&pin, o, o->tar_key,
		 toolchain_builtin_tar_key(o->release.is_clang));
	if (!ret) {
		ret = check_signed_text(&pin, try_signing_key, v, err);
		if (ret == -ENOENT && o->notes)
			strv_addf(o->notes, "%s was not checked: %s",
				  str_base(file), err->text);
	}
	if (!ret) {
		v->tar_key = xstrdup(pin.fingerprint);
		v->keyring = pin.keyring;
		pin.keyring = NULL;
	} else {
		err_wrap(err, "%s", file ? str_base(file) : "signature");
		buf_reset(&v->signature);
	}
	pin_release(&pin);
	free(file);
	return ret;
}

int toolchain_verify_prepare(struct toolchain_verify *v,
			     const struct toolchain_install_request *o,
			     struct err *err)
{
	const char *path = o->archive_path ? o->archive_path : o->mirror_path;
	struct err no_sum = { 0 }, no_sign = { 0 };
	int ret = 0;

	*v = (struct toolchain_verify){ .request = o };
	if (o->sha256) {
		v->has_checksum = true;
		v->checksum = *o->sha256;
	} else {
		ret = find_archive_checksum(v, path, &no_sum);
		if (ret == -ENOENT)
			ret = 0;
		else if (ret)
			*err = no_sum;
	}
	if (ret)
		return ret;
	ret = find_archive_signature(v, path, &no_sign);
	if (ret && ret != -ENOENT) {
		*err = no_sign;
		return ret;
	}

	if (o->strict && !v->tar_key)
		return err_set(
			err, EKEYREJECTED,
			"strict verification requires the maintainer's "
			"signature: %s; without strict verification, the "
			"signed checksum list is sufficient",
			no_sign.text);
	if (v->has_checksum || v->tar_key || o->insecure)
		return 0;
	return err_set(
		err, EKEYREJECTED,
		"no checksum or signature for the archive (%.400s; %.400s); "
		"download it and use --file FILE --sha256 HEX, or use --insecure "
		"to install it anyway",
		no_sum.text, no_sign.text);
}

void toolchain_verify_release(struct toolchain_verify *v)
{
	fetch_gpgv_stream_free(v->stream);
	free(v->sums_key);
	free(v->tar_key);
	free(v->keyring);
	buf_release(&v->signature);
	*v = (struct toolchain_verify){ 0 };
}

int toolchain_verify_stream_start(struct toolchain_verify *v, struct err *err)
{
	fetch_gpgv_stream_free(v->stream);
	v->stream = NULL;
	if (!v->tar_key)
		return 0;
	return fetch_gpgv_stream_start(&v->stream, v->keyring, v->tar_key,
				       buf_bytes(&v->signature), err);
}

int toolchain_verify_stream_feed(struct toolchain_verify *v, struct bytes b,
				 struct err *err)
{
	int ret = v->stream ? fetch_gpgv_stream_feed(v->stream, b, err) : 0;

	if (ret)
		err_wrap(err, ".tar.sign");
	return ret;
}

int toolchain_verify_finish(struct toolchain_verify *v,
			    const struct digest *archive,
			    struct toolchain_installed *t, struct err *err)
{
	char is[DIGEST_HEX], should[DIGEST_HEX];
	struct fetch_signature by = { 0 };
	int ret;

	if (v->has_checksum && !digest_equal(&v->checksum, archive)) {
		digest_format(archive, is);
		digest_format(&v->checksum, should);
		return err_set(
			err, EKEYREJECTED,
			"checksum mismatch: SHA-256 is %s, expected %s from %s",
			is, should,
			v->sums_key ? "the signed " SUMS : "--sha256");
	}
	if (v->stream) {
		ret = fetch_gpgv_stream_finish(v->stream, &by, err);
		if (ret) {
			err_wrap(err, ".tar.sign");
			return ret;
		}
		note_expired_key(v->request, ".tar.sign", &by);
	}
	t->sums_key = v->sums_key;
	v->sums_key = NULL;
	t->tar_key = v->tar_key;
	v->tar_key = NULL;
	t->sha256_given = v->request->sha256 != NULL;
	t->insecure = !t->sums_key && !t->tar_key && !t->sha256_given;
	return 0;
}
