-- An event in one line, from its `type` and `properties`: the first of these properties that is there says what it is about.
substringUTF8(
    replaceRegexpAll(
        trimRight(
            concat(
                replaceAll(toString(type), '_', ' '),
                ': ',
                arrayFirst(
                    text -> text != '',
                    arrayMap(
                        key -> JSONExtractString(properties, key),
                        [
                            'name', 'product_id', 'query', 'title', 'url', 'form_id', 'order_id', 'topic',
                            'conversation_id', 'survey', 'referral_code', 'previous_id'
                        ]
                    )
                )
            ),
            ': '
        ),
        '\\s+',
        ' '
    ),
    1,
    200
)
