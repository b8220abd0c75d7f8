/*
 * identity: who the other end of a connection is, as its certificate says: a server, a communication process,
 * or a person at a console; and as whom it may speak.
 *
 * A site's own CA signs no more than a role and a name; what they allow is decided here, so that server,
 * KOM and console judge alike. Names are told apart without regard to case, as everywhere.
 */
#ifndef WIRE_IDENTITY_H
#define WIRE_IDENTITY_H

#include <stdbool.h>

#define IDENTITY_NAME_SIZE 64 /* with the closing zero: what a certificate's common name may have */
#define IDENTITY_TEXT_SIZE 80

enum identity_role {
    IDENTITY_NONE,   /* nobody has said who it is: a plain connection of this machine */
    IDENTITY_SERVER, /* name: of a server in site.yaml, "A" */
    IDENTITY_KOM,    /* name: of a process, "SELF.KOM", all its instances; or of one, "SELF.KOM,1" */
    IDENTITY_USER    /* name: of a person */
};

struct identity {
    enum identity_role role;
    char name[IDENTITY_NAME_SIZE];
};

/* "server", "kom", "user"; "" for NONE. Static storage. */
const char *identity_role_name(enum identity_role role);

/* From the words of a certificate. False: no such role, or a name that is empty, longer than 63 octets, or
 * has other characters than letters, digits and . _ - @ + , (it also names a folder); *identity is then
 * NONE. */
bool identity_read(struct identity *identity, const char *role, const char *name);

/* "kom SELF.KOM", "user anna"; "nobody" for NONE. */
struct identity_text {
    char text[IDENTITY_TEXT_SIZE];
};
struct identity_text identity_text(const struct identity *identity);

/* May it speak as that instance of a process? 0: the run without a number. */
bool identity_is_run(const struct identity *identity, const char *process, unsigned instance);
/* May it speak as that server? */
bool identity_is_server(const struct identity *identity, const char *name);

#endif
