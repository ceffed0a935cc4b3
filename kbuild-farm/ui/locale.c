/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/locale.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

static bool names_utf8(const char *locale)
{
	const char *set = locale ? strchr(locale, '.') : NULL;

	return set && (!strncasecmp(set, ".utf-8", 6) ||
		       !strncasecmp(set, ".utf8", 5));
}

/* What the user set, whether or not this system has such a locale. */
static const char *locale_variable(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return value;
	}
	return NULL;
}

locale_t ui_locale_new(bool *utf8)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);

	*utf8 = locale && !strcmp(nl_langinfo_l(CODESET, locale), "UTF-8");
	if (*utf8 || !names_utf8(locale_variable()))
		return locale;
	if (locale)
		freelocale(locale);
	locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	*utf8 = locale != (locale_t)0;
	return locale;
}
