/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "fetch/key.h"

#include <stdlib.h>
#include <strings.h>

#define PIN "DE8A0EDEFC5BF1FC17F661E3AEF39914EDE7BE02"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is the status lines, a NUL, and the listing of the keyring. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fetch_signature got;
	size_t lines = 0, listing;
	struct err err;

	while (lines < size && data[lines])
		lines++;
	listing = lines < size ? lines + 1 : lines;
	if (!fetch_gpgv_status_check(
		    bytes_of(data, lines), 0, PIN,
		    bytes_of(size ? data + listing : NULL, size - listing),
		    &got, &err) &&
	    strcasecmp(got.fingerprint, PIN))
		abort();
	fetch_key_lacks_revocation(
		bytes_of(data, lines),
		bytes_of(size ? data + listing : NULL, size - listing));
	return 0;
}
