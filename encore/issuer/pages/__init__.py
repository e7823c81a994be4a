"""The pages that the issuer shows to users: HTML without JavaScript, under a strict policy."""
