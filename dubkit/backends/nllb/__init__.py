"""Meta's NLLB-200, through transformers and through CTranslate2."""
