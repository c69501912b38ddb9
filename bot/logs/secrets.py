"""Masks the secrets in logs, tables and output that neither a model nor a channel should see."""

from __future__ import annotations

import re

MASK = "[masked]"
_NAMES = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|apikey|access[_-]?key|auth[_-]?token|client[_-]?secret|private[_-]?key|session[_-]?(?:id|key|token)|sessionid|credentials?|authorization|cookie|set-cookie|x-api-key)"
_KNOWN = re.compile(
    r"""
      \bxox[abeoprs]-[\w-]{8,} | \bxapp-[\w-]{8,}                                   # Slack
    | \bgh[pousr]_[A-Za-z0-9]{20,} | \bgithub_pat_\w{20,} | \bglpat-[\w-]{16,}      # GitHub, GitLab
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b                                                  # AWS
    | \bsk-[A-Za-z0-9_-]{16,} | \b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}               # OpenAI, Anthropic, Stripe
    | \bAIza[\w-]{35}\b | \bya29\.[\w-]{20,}                                         # Google
    | \bnpm_[A-Za-z0-9]{30,} | \bpypi-[\w-]{30,} | \bSG\.[\w-]{16,}\.[\w-]{16,}      # npm, PyPI, SendGrid
    | \beyJ[\w-]{8,}\.eyJ[\w-]{4,}\.[\w-]*                                           # JSON Web Tokens
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----(?:.*?-----END\ [A-Z ]*PRIVATE\ KEY-----)?
    """,
    re.X | re.S,
)
_BEARER = re.compile(r"\b(Bearer|Basic|Digest|token)\s+(?=[\w+/=.~-]*[\d=])[\w+/=.~-]{12,}", re.I)
_ADDRESS = re.compile(r"(?<=://)[^\s/:@]*:[^\s/@]+(?=@)")
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}\b")
_PAIR = re.compile(
    rf"""(?P<name>(?<![A-Za-z]){_NAMES}["']?\s*(?:=>|[=:])\s*)(?P<value>"(?:[^"\\\n]|\\.)+"|'(?:[^'\\\n]|\\.)+'|[^\s"',;&)}}\]]+)""",
    re.I,
)
_HINT = re.compile(r"@|[Pp][Aa][Ss][Ss]|[Pp][Ww][Dd]|[Ss]ecret|SECRET|[Tt]oken|TOKEN|[Kk]ey|KEY|[Aa]uth|AUTH|[Cc]ookie|COOKIE|[Ss]ession|SESSION|[Cc]redential"
                   r"|[Bb]earer|[Bb]asic |xox|xapp|gh[pousr]_|github_|glpat|AKIA|ASIA|sk-|k_live|k_test|AIza|ya29|npm_|pypi-|SG\.|eyJ")  # fmt: skip
_HARMLESS = {"null", "none", "true", "false", "nil", "undefined", "<*>", "***", "expired", "invalid", "missing", "ok", "failed", MASK}  # fmt: skip


def without_secrets(text: str) -> str:
    """Return the text with keys, tokens, passwords and e-mail addresses replaced by [masked]; their names stay."""
    if not _HINT.search(text):
        return text
    text = _KNOWN.sub(MASK, text)
    text = _ADDRESS.sub(MASK, text)
    text = _BEARER.sub(rf"\1 {MASK}", text)
    text = _PAIR.sub(_mask_value, text)
    return _MAIL.sub(MASK, text)


def _mask_value(pair: re.Match[str]) -> str:
    """Return a name with its value masked, unless the value is a word, a placeholder or a short number."""
    value = pair["value"]
    bare = value.strip("\"'")
    if bare.lower() in _HARMLESS or bare.lower() in {"bearer", "basic", "digest"}:
        return pair[0]
    if bare.startswith(("[masked", "$", "<", "%")) or (bare.isdigit() and len(bare) < 4):
        return pair[0]
    return pair["name"] + (f"{value[0]}{MASK}{value[0]}" if value[0] in "\"'" else MASK)
